/** Neighbour states and flags (include/uapi/linux/neighbour.h), with the sets that the kernel tests. */
import {
  NTF_EXT_LEARNED,
  NUD_DELAY,
  NUD_FAILED,
  NUD_INCOMPLETE,
  NUD_NOARP,
  NUD_NONE,
  NUD_PERMANENT,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
} from '../../uapi/rtnetlink.ts';

/**
 * What every object of `ip` (link, address, route ...) is given, and what it is: the contract between
 * ip.ts and the files beside it.
 */
import type { Process } from '../../uapi/process.ts';
import type { Rtnetlink } from '../../uapi/rtnetlink.ts';
import type { Args } from './args.ts';
import type { Printer } from './json-print.ts';
import type { LinkMap } from './ll-map.ts';
import type { RtNames } from './names.ts';

/** The global options; counts are how often an option was given. */
export interface IpOptions {
  /** preferred_family: AF_UNSPEC unless -4, -6, -0, -B, -M or -family. A command may narrow it for itself. */
  family: number;
  details: number;
  /** `bridge -compressvlans`: lists name ranges of VLANs. */
  compressVlans: boolean;
  stats: number;
  human: boolean;
  iec: boolean;
  oneline: boolean;
  brief: boolean;
  json: boolean;
  pretty: boolean;
  numeric: boolean;
  resolve: boolean;
  echo: boolean;
  timestamp: boolean;
  timestampShort: boolean;
  force: boolean;
  /** -all. */
  all: boolean;
  color: 'never' | 'auto' | 'always';
  /** -loops: rounds of a flush, 0 for no limit. */
  maxFlushLoops: number;
  /** A batch file is read: an error ends the command, not always the program. */
  batch: boolean;
}

/** One run of `ip`. */
export interface Ip {
  readonly process: Process;
  readonly options: IpOptions;
  /** The socket, opened in the namespace that -netns chose. */
  readonly rtnl: Rtnetlink;
  readonly out: Printer;
  readonly links: LinkMap;
  readonly names: RtNames;
}

/**
 * An object of `ip`: `args.word` is the word behind the object's name. Gives the exit status: what the C function returns,
 * negated (0, 1 for its -1, 2 for its -2); throws `Exit` where it calls exit().
 */
export type IpObject = (ip: Ip, args: Args) => Promise<number>;

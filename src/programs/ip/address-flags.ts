import { AF_INET6, IFA_F_NODAD, IFA_F_NOPREFIXROUTE, IFA_F_PERMANENT, IFA_F_SECONDARY } from '../../uapi/rtnetlink.ts';
import type { Ip } from './context.ts';
import type { LinkFilter } from './link-filter.ts';

const IFA_F_OPTIMISTIC = 0x04;
const IFA_F_DADFAILED = 0x08;
const IFA_F_HOMEADDRESS = 0x10;
export const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;
const IFA_F_MANAGETEMPADDR = 0x100;
export const IFA_F_MCAUTOJOIN = 0x400;
const IFA_F_STABLE_PRIVACY = 0x800;

interface AddressFlag {
  name: string;
  mask: number;
  /** Set by the kernel only. */
  readonly: boolean;
  v6only: boolean;
}

const flag = (name: string, mask: number, readonly: boolean, v6only: boolean): AddressFlag => ({
  name,
  mask,
  readonly,
  v6only,
});

/** In the order in which they are printed. */
const FLAGS: readonly AddressFlag[] = [
  flag('secondary', IFA_F_SECONDARY, true, false),
  flag('temporary', IFA_F_SECONDARY, true, false),
  flag('nodad', IFA_F_NODAD, false, true),
  flag('optimistic', IFA_F_OPTIMISTIC, false, true),
  flag('dadfailed', IFA_F_DADFAILED, true, true),
  flag('home', IFA_F_HOMEADDRESS, false, true),
  flag('deprecated', IFA_F_DEPRECATED, true, true),
  flag('tentative', IFA_F_TENTATIVE, true, true),
  flag('permanent', IFA_F_PERMANENT, true, true),
  flag('mngtmpaddr', IFA_F_MANAGETEMPADDR, false, true),
  flag('noprefixroute', IFA_F_NOPREFIXROUTE, false, false),
  flag('autojoin', IFA_F_MCAUTOJOIN, false, false),
  flag('stable-privacy', IFA_F_STABLE_PRIVACY, true, true),
];

const BY_NAME: ReadonlyMap<string, AddressFlag> = new Map(FLAGS.map((known) => [known.name, known]));

/** lookup_flag_data_by_name(). */
export function addressFlag(name: string): AddressFlag | undefined {
  return BY_NAME.get(name);
}

/** get_filter(): a flag as a filter, `-` before it negates; false if the word is none. */
export function filterByFlag(filter: LinkFilter, word: string): boolean {
  let inverted = word.startsWith('-');
  let name = inverted ? word.slice(1) : word;
  if (name === 'dynamic') {
    inverted = !inverted;
    name = 'permanent';
  } else if (name === 'primary') {
    inverted = !inverted;
    name = 'secondary';
  }
  const known = addressFlag(name);
  if (!known) return false;
  if (inverted) filter.flags &= ~known.mask;
  else filter.flags |= known.mask;
  filter.flagMask |= known.mask;
  return true;
}

/** print_ifa_flags(): the absence of `permanent` reads `dynamic`. */
export function printAddressFlags(ip: Ip, family: number, flags: number): void {
  const { out } = ip;
  let left = flags;
  for (const { name, mask } of FLAGS) {
    if (mask === IFA_F_PERMANENT) {
      if (!(left & mask)) out.print('dynamic', 'dynamic ', true);
    } else if (left & mask) {
      const shown = mask === IFA_F_SECONDARY && family === AF_INET6 ? 'temporary' : name;
      out.print(shown, `${shown} `, true);
    }
    left &= ~mask;
  }
  if (!left) return;
  const rest = left.toString(16).padStart(2, '0');
  out.print('ifa_flags', `flags ${rest} `, rest);
}

/** ICMP types by name, as `--icmp-type` takes them. */

export interface IcmpName {
  readonly name: string;
  readonly type: number;
  readonly codeMin: number;
  readonly codeMax: number;
}

const any = (name: string, type: number): IcmpName => ({ name, type, codeMin: 0, codeMax: 255 });
const one = (name: string, type: number, code: number): IcmpName => ({ name, type, codeMin: code, codeMax: code });

/** In the order of the help text; what repeats the type and code before it is an alias. */
export const ICMP_NAMES: readonly IcmpName[] = [
  any('any', 255),
  any('echo-reply', 0),
  any('pong', 0),
  any('destination-unreachable', 3),
  one('network-unreachable', 3, 0),
  one('host-unreachable', 3, 1),
  one('protocol-unreachable', 3, 2),
  one('port-unreachable', 3, 3),
  one('fragmentation-needed', 3, 4),
  one('source-route-failed', 3, 5),
  one('network-unknown', 3, 6),
  one('host-unknown', 3, 7),
  one('network-prohibited', 3, 9),
  one('host-prohibited', 3, 10),
  one('TOS-network-unreachable', 3, 11),
  one('TOS-host-unreachable', 3, 12),
  one('communication-prohibited', 3, 13),
  one('host-precedence-violation', 3, 14),
  one('precedence-cutoff', 3, 15),
  any('source-quench', 4),
  any('redirect', 5),
  one('network-redirect', 5, 0),
  one('host-redirect', 5, 1),
  one('TOS-network-redirect', 5, 2),
  one('TOS-host-redirect', 5, 3),
  any('echo-request', 8),
  any('ping', 8),
  any('router-advertisement', 9),
  any('router-solicitation', 10),
  any('time-exceeded', 11),
  any('ttl-exceeded', 11),
  one('ttl-zero-during-transit', 11, 0),
  one('ttl-zero-during-reassembly', 11, 1),
  any('parameter-problem', 12),
  one('ip-header-bad', 12, 0),
  one('required-option-missing', 12, 1),
  any('timestamp-request', 13),
  any('timestamp-reply', 14),
  any('address-mask-request', 17),
  any('address-mask-reply', 18),
];

/** The list for the help text. */
export function icmpTypesHelp(): string {
  let text = '';
  ICMP_NAMES.forEach((entry, i) => {
    const before = ICMP_NAMES[i - 1];
    if (before === undefined || before.type !== entry.type) text += `\n${entry.name}`;
    else if (before.codeMin === entry.codeMin && before.codeMax === entry.codeMax) text += ` (${entry.name})`;
    else text += `\n   ${entry.name}`;
  });
  return `${text}\n`;
}

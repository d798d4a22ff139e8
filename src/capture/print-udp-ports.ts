/** What well-known UDP ports carry, where tcpdump has a printer for it. */
import { type Dissection, hex2, type IpHeader } from './dissection.ts';

const NAMESERVER_PORT = 53;
const MULTICASTDNS_PORT = 5353;
const DNS_HEADER_LENGTH = 12;
const SYSLOG_PORT = 514;
const RX_PORT_LOW = 7000;
const RX_PORT_HIGH = 7009;
const RX_HEADER_LENGTH = 28;
const [LESS, GREATER, ZERO] = [0x3c, 0x3e, 0x30];

/** Print a datagram's data; false when its ports say nothing. */
export function udpPayload(
  d: Dissection,
  at: number,
  length: number,
  source: number,
  destination: number,
  _ip: IpHeader,
): boolean {
  const port = (wanted: number) => source === wanted || destination === wanted;
  if (port(4789)) {
    vxlanPrint(d, at, length);
    return true;
  }
  if ((port(NAMESERVER_PORT) || port(MULTICASTDNS_PORT)) && length < DNS_HEADER_LENGTH) {
    d.protocol = 'domain';
    d.print(`domain [length ${length} < ${DNS_HEADER_LENGTH}]`);
    d.printInvalid();
    return true;
  }
  const afs = (number: number) => number >= RX_PORT_LOW && number <= RX_PORT_HIGH;
  if ((afs(source) || afs(destination)) && d.available(at) < RX_HEADER_LENGTH) {
    d.protocol = 'rx';
    d.print(` [|rx] (${length})`);
    return true;
  }
  if (port(SYSLOG_PORT)) {
    syslogPrint(d, at, length);
    return true;
  }
  return false;
}

const SEVERITIES = 'emergency alert critical error warning notice info debug'.split(' ');
const FACILITIES =
  'kernel user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp security console cron local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  );

/** syslog (RFC 3164): a priority in angle brackets, then text. */
function syslogPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'syslog';
  if (d.u8(at) !== LESS) {
    d.printInvalid();
    return;
  }
  let next = at + 1;
  let priority = 0;
  while (next <= at + 3 && d.u8(next) >= ZERO && d.u8(next) <= ZERO + 9) priority = priority * 10 + d.u8(next++) - ZERO;
  if (d.u8(next++) !== GREATER) {
    d.printInvalid();
    return;
  }
  const facility = (priority & 0xf8) >> 3;
  const severity = priority & 7;
  const facilityName = FACILITIES[facility] ?? `unknown (${facility})`;
  if (d.options.v < 1) {
    d.print(`SYSLOG ${facilityName}.${SEVERITIES[severity]}, length: ${length}`);
    return;
  }
  d.print(`SYSLOG, length: ${length}\n\tFacility ${facilityName} (${facility}), `);
  d.print(`Severity ${SEVERITIES[severity]} (${severity})\n\tMsg: `);
  for (; next < at + length; next++) d.printCharacter(d.u8(next));
  if (d.options.v > 1) d.printUnknown(at, '\n\t', length);
}

/** VXLAN (RFC 7348): flags, network identifier, an Ethernet frame. */
function vxlanPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'vxlan';
  d.print('VXLAN');
  if (length < 8) {
    d.printInvalid();
    return;
  }
  const flags = d.u8(at);
  d.print(`, flags [${(flags & 0x08) !== 0 ? 'I' : 'invalid'}] (0x${hex2(flags)}), `);
  d.print(`vni ${d.u24(at + 4)}\n`);
  d.need(at + 7, 1);
  d.inner.ethernet(d, at + 8, length - 8, d.available(at + 8));
}

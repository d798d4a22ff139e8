/** Syslog messages (RFC 3164): a number of facility and severity, and a text. */
import type { Dissection } from './dissection.ts';

const SEVERITIES = ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug'];
const FACILITIES = 'kernel user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp security console cron'
  .concat(' local0 local1 local2 local3 local4 local5 local6 local7')
  .split(' ');
const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;
const MAXIMUM_DIGITS = 3;

export function syslogPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'syslog';
  if (d.u8(at) !== LESS_THAN) {
    d.printInvalid();
    return;
  }
  let offset = 1;
  let priority = 0;
  for (; offset <= MAXIMUM_DIGITS; offset++) {
    const digit = d.u8(at + offset) - 0x30;
    if (digit < 0 || digit > 9) break;
    priority = priority * 10 + digit;
  }
  if (d.u8(at + offset) !== GREATER_THAN) {
    d.printInvalid();
    return;
  }
  offset++;
  const facility = priority >> 3;
  const facilityName = FACILITIES[facility] ?? `unknown (${facility})`;
  const severity = priority & 7;
  if (d.options.v === 0) {
    d.print(`SYSLOG ${facilityName}.${SEVERITIES[severity]}, length: ${length}`);
    return;
  }
  d.print(`SYSLOG, length: ${length}\n\tFacility ${facilityName} (${facility}), `);
  d.print(`Severity ${SEVERITIES[severity]} (${severity})\n\tMsg: `);
  if (length > offset && !d.printCharacters(at + offset, length - offset)) d.truncate();
  if (d.options.v > 1) d.printUnknown(at, '\n\t', length);
}

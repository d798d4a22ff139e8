import type { LinkMessage } from '../../uapi/rtnetlink.ts';
import type { Ip, IpOptions } from './context.ts';

/** print_num(): a count in its column; with -human three figures and a prefix. */
function num(options: IpOptions, width: number, count: number): string {
  const base = options.iec ? 1024 : 1000;
  if (!options.human || count < base) return `${String(count).padStart(width)} `;
  const prefixes = 'kMGTPE';
  let at = 0;
  let power = base;
  while (count / base >= power && at < prefixes.length - 1) {
    power *= base;
    at++;
  }
  let precision = 2;
  for (let tens = 10; precision > 0; precision--, tens *= 10) if (Math.floor(count / power) < tens) break;
  const text = `${(count / power).toFixed(precision)}${prefixes[at]}${options.iec ? 'i' : ''}`;
  return `${text.padStart(width)} `;
}

/** The counters of struct rtnl_link_stats64 that no device here has. */
const NONE = 0;

function printJson(ip: Ip, link: LinkMessage): void {
  const { out, options } = ip;
  const s = link.stats;
  const all = options.stats > 1;
  const fields = (values: readonly (readonly [string, number])[]): void => {
    for (const [key, value] of values) out.field(key, value);
  };
  out.openObject('stats64');
  out.openObject('rx');
  fields([
    ['bytes', s.rxBytes],
    ['packets', s.rxPackets],
    ['errors', s.rxErrors],
    ['dropped', s.rxDropped],
    ['over_errors', s.rxOverErrors],
    ['multicast', s.multicast],
  ]);
  if (all) {
    fields([
      ['length_errors', NONE],
      ['crc_errors', NONE],
      ['frame_errors', NONE],
      ['fifo_errors', NONE],
      ['missed_errors', NONE],
    ]);
    if (s.rxNohandler) out.field('nohandler', s.rxNohandler);
    if (s.rxOtherhostDropped) out.field('otherhost', s.rxOtherhostDropped);
  }
  out.closeObject();
  out.openObject('tx');
  fields([
    ['bytes', s.txBytes],
    ['packets', s.txPackets],
    ['errors', s.txErrors],
    ['dropped', s.txDropped],
    ['carrier_errors', s.txCarrierErrors],
    ['collisions', s.collisions],
  ]);
  if (all) {
    fields([
      ['aborted_errors', NONE],
      ['fifo_errors', NONE],
      ['window_errors', NONE],
      ['heartbeat_errors', NONE],
      ['carrier_changes', link.carrierChanges],
    ]);
  }
  out.closeObject();
  out.closeObject();
}

/** print_stats64(): the two tables of -statistics, each column as wide as its widest number. */
export function printStats(ip: Ip, link: LinkMessage): void {
  const { out, options } = ip;
  if (out.isJson) {
    printJson(ip, link);
    return;
  }
  const s = link.stats;
  const all = options.stats > 1;
  const otherhost = s.rxOtherhostDropped;
  const rx = [s.rxBytes, s.rxPackets, s.rxErrors, s.rxDropped, NONE, s.multicast, NONE, 0];
  const rxErrors = [0, NONE, NONE, NONE, NONE, s.rxOverErrors, s.rxNohandler, otherhost];
  const tx = [s.txBytes, s.txPackets, s.txErrors, s.txDropped, s.txCarrierErrors, s.collisions, NONE, 0];
  const txErrors = [0, 0, NONE, NONE, NONE, NONE, link.carrierChanges, 0];

  const cols = ['*X errors:', 'packets', 'errors', 'dropped', 'heartbt', 'overrun', 'compressed', 'otherhost'].map(
    (title) => title.length,
  );
  for (const row of all ? [rx, rxErrors, tx, txErrors] : [rx, tx]) {
    if (!options.human) for (const [i, value] of row.entries()) cols[i] = Math.max(cols[i]!, String(value).length);
  }
  const title = (i: number, text: string): string => text.padStart(cols[i]!);
  const head = (side: string, titles: readonly string[]): string =>
    `    ${side}: ${titles.map((text, i) => text.padStart(i === 0 ? cols[0]! - 4 : cols[i]!)).join(' ')} ${''.padStart(cols[6]!)}${out.sl}`;
  const numbers = (values: readonly number[], from: number): string =>
    values.map((value, i) => num(options, cols[from + i]!, value)).join('');

  out.text(head('RX', ['bytes', 'packets', 'errors', 'dropped', 'missed', 'mcast']));
  out.text(`    ${numbers(rx.slice(0, 6), 0)}`);
  if (all) {
    out.nl();
    const names = ['length', 'crc', 'frame', 'fifo', 'overrun'].map((text, i) => title(i + 1, text));
    out.text(`    RX errors:${''.padStart(cols[0]! - 10)} ${names.join(' ')}`);
    if (s.rxNohandler) out.text(' nohandler'.padStart(cols[6]! + 1));
    if (otherhost) out.text(' otherhost'.padStart(cols[7]! + 1));
    out.nl();
    out.text(''.padStart(cols[0]! + 5) + numbers(rxErrors.slice(1, 6), 1));
    if (s.rxNohandler) out.text(num(options, cols[6]!, s.rxNohandler));
    if (otherhost) out.text(num(options, cols[7]!, otherhost));
  }
  out.nl();
  out.text(head('TX', ['bytes', 'packets', 'errors', 'dropped', 'carrier', 'collsns']));
  out.text(`    ${numbers(tx.slice(0, 6), 0)}`);
  if (all) {
    out.nl();
    const names = ['aborted', 'fifo', 'window', 'heartbt', 'transns'].map((text, i) => title(i + 1, text));
    out.text(`    TX errors:${''.padStart(cols[0]! - 10)} ${names.join(' ')}${out.sl}`);
    out.text(''.padStart(cols[0]! + 5) + numbers([NONE, NONE, NONE, NONE, link.carrierChanges], 1));
  }
}

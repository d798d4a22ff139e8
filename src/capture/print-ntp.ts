/** NTP (RFC 5905): times of day, and control messages. */
import { type Dissection, hex8 } from './dissection.ts';
import { type Names, named } from './tokens.ts';

const TIME_LENGTH = 48;
const CONTROL_LENGTH = 12;
const MODES = [
  ...['unspecified', 'symmetric active', 'symmetric passive', 'Client'],
  ...['Server', 'Broadcast', 'Control Message', 'Reserved'],
];
const MODE_CONTROL = 6;
const LEAP: Names = new Map([
  [0x00, ''],
  [0x40, '+1s'],
  [0x80, '-1s'],
  [0xc0, 'clock unsynchronized'],
]);
const STRATUM_PRIMARY = 1;
const STRATUM_INFO_QUERY = 62;
const STRATUM_INFO_REPLY = 63;
/** From 1900, where NTP's time begins, to 1970. */
const SECONDS_TO_EPOCH = 2208988800;
/** Fractions of a second are counted in 2^-32. */
const FRACTION = 0x1_0000_0000;

export function ntpPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'ntp';
  const status = d.u8(at);
  const mode = status & 7;
  d.print(`NTPv${(status & 0x38) >> 3}, ${MODES[mode]}, length ${length}`);
  if (d.options.v === 0) return;
  const leap = status & 0xc0;
  d.print(`\n\tLeap indicator: ${named(LEAP, leap, 'Unknown')} (${leap})`);
  if (mode === MODE_CONTROL) controlPrint(d, at, length);
  else if (mode < MODE_CONTROL) timePrint(d, at, length);
}

function invalid(d: Dissection, at: number, length: number): void {
  d.printInvalid();
  if (!d.has(at, length)) d.printTruncated();
}

function stratumText(stratum: number): string {
  if (stratum === 0) return 'unspecified';
  if (stratum === STRATUM_PRIMARY) return 'primary reference';
  return stratum <= 15 ? 'secondary reference' : 'reserved';
}

function timePrint(d: Dissection, at: number, length: number): void {
  if (length < TIME_LENGTH) {
    invalid(d, at, length);
    return;
  }
  const stratum = d.u8(at + 1);
  d.print(`, Stratum ${stratum} (${stratumText(stratum)})`);
  const poll = d.s8(at + 2);
  d.print(`, poll ${poll}`);
  if (poll > -32 && poll < 32) d.print(poll >= 0 ? ` (${2 ** poll}s)` : ` (1/${2 ** -poll}s)`);
  d.print(`, precision ${d.s8(at + 3)}`);
  for (const [offset, title] of [
    [4, '\n\tRoot Delay: '],
    [8, ', Root dispersion: '],
  ] as const) {
    if (!d.has(at + offset, 4)) {
      d.printTruncated();
      return;
    }
    const fraction = Math.trunc((d.u16(at + offset + 2) / 65536) * 1_000_000);
    d.print(`${title}${d.u16(at + offset)}.${String(fraction).padStart(6, '0')}`);
  }
  if (!d.has(at + 12, 4)) {
    d.printTruncated();
    return;
  }
  d.print(', Reference-ID: ');
  switch (stratum) {
    case 0:
      d.print('(unspec)');
      break;
    case STRATUM_PRIMARY:
      d.printCharacters(at + 12, 4);
      break;
    case STRATUM_INFO_QUERY:
      d.print(`${d.ip(at + 12)} INFO_QUERY`);
      return;
    case STRATUM_INFO_REPLY:
      d.print(`${d.ip(at + 12)} INFO_REPLY`);
      return;
    default:
      d.print(`0x${hex8(d.u32(at + 12))}`);
  }
  for (const [offset, title] of [
    [16, 'Reference Timestamp:  '],
    [24, 'Originator Timestamp: '],
    [32, 'Receive Timestamp:    '],
    [40, 'Transmit Timestamp:   '],
  ] as const) {
    if (!d.has(at + offset, 8)) {
      d.printTruncated();
      return;
    }
    d.print(`\n\t  ${title}${timeText(d, at + offset)}`);
  }
  d.print(`\n\t    Originator - Receive Timestamp:  ${differenceText(d, at + 24, at + 32)}`);
  d.print(`\n\t    Originator - Transmit Timestamp: ${differenceText(d, at + 24, at + 40)}`);
  trailerPrint(d, at + TIME_LENGTH, length - TIME_LENGTH);
}

/** A key's number and a digest, where the length is that of one. */
function trailerPrint(d: Dissection, at: number, length: number): void {
  if (length === 4 || length === 20 || length === 24) {
    d.print(`\n\tKey id: ${d.u32(at)}`);
    if (length === 4) return;
    if (!d.has(at + 4, length - 4)) {
      d.printTruncated();
      return;
    }
    d.print('\n\tAuthentication: ');
    for (let offset = 4; offset < length; offset += 4) d.print(hex8(d.u32(at + offset)));
  } else if (length > 0) {
    d.print(`\n\t(${length} more bytes after the header)`);
  }
}

function nanoseconds(fraction: number): string {
  return String(Math.trunc((fraction / FRACTION) * 1_000_000_000)).padStart(9, '0');
}

function timeText(d: Dissection, at: number): string {
  const seconds = d.u32(at);
  const text = `${seconds}.${nanoseconds(d.u32(at + 4))}`;
  if (seconds === 0) return text;
  const iso = new Date((seconds - SECONDS_TO_EPOCH) * 1000).toISOString();
  return `${text} (${iso.replace('.000Z', 'Z')})`;
}

/** How much later the second time is; all of it when there is no first. */
function differenceText(d: Dissection, first: number, second: number): string {
  const [from, fromFraction] = [d.u32(first), d.u32(first + 4)];
  const [to, toFraction] = [d.u32(second), d.u32(second + 4)];
  if (from === 0 && fromFraction === 0) return timeText(d, second);
  const later = to > from || (to === from && toFraction > fromFraction);
  let seconds = later ? to - from : from - to;
  let fraction = later ? toFraction - fromFraction : fromFraction - toFraction;
  if (fraction < 0) {
    fraction += 0x1_0000_0000;
    seconds -= 1;
  }
  return `${later ? '+' : '-'}${seconds}.${nanoseconds(fraction)}`;
}

function controlPrint(d: Dissection, at: number, length: number): void {
  if (length < CONTROL_LENGTH) {
    invalid(d, at, length);
    return;
  }
  const control = d.u8(at + 1);
  d.print(`, ${control & 0x80 ? 'Response' : 'Request'}, ${control & 0x40 ? 'Error' : 'OK'}`);
  d.print(`, ${control & 0x20 ? 'More' : 'Last'}, OpCode=${control & 0x1f}\n`);
  d.print(`\tSequence=${d.u16(at + 2)}`);
  const status = d.u16(at + 4);
  d.print(`, Status=${status === 0 ? '0' : `0x${status.toString(16)}`}`);
  d.print(`, Assoc.=${d.u16(at + 6)}`);
  d.print(`, Offset=${d.u16(at + 8)}`);
  const count = d.u16(at + 10);
  d.print(`, Count=${count}`);
  if (CONTROL_LENGTH + count > length) invalid(d, at, length);
  else if (count !== 0) {
    if (d.has(at + CONTROL_LENGTH, count)) d.print('\n\tTO-BE-DONE: data not interpreted');
    else d.printTruncated();
  }
}

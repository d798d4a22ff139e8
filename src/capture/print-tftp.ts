/** TFTP (RFC 1350). */
import type { Dissection } from './dissection.ts';
import { type Names, named } from './tokens.ts';

const RRQ = 1;
const WRQ = 2;
const DATA = 3;
const ACK = 4;
const ERROR = 5;
const OACK = 6;
const OPERATIONS: Names = new Map([
  [RRQ, 'RRQ'],
  [WRQ, 'WRQ'],
  [DATA, 'DATA'],
  [ACK, 'ACK'],
  [ERROR, 'ERROR'],
  [OACK, 'OACK'],
]);
const ERRORS: Names = new Map([
  [0, 'EUNDEF'],
  [1, 'ENOTFOUND'],
  [2, 'EACCESS'],
  [3, 'ENOSPACE'],
  [4, 'EBADOP'],
  [5, 'EBADID'],
  [6, 'EEXISTS'],
  [7, 'ENOUSER'],
]);

export function tftpPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'tftp';
  d.print(`TFTP, length ${length}`);
  if (!print(d, at, length)) d.printTruncated();
}

/** False when the message ends before it is complete. */
function print(d: Dissection, at: number, length: number): boolean {
  if (length < 2) return false;
  const operation = d.u16(at);
  d.print(`, ${named(OPERATIONS, operation, `tftp-#${operation}`)}`);
  const end = at + length;
  switch (operation) {
    case RRQ:
    case WRQ: {
      if (length === 2) return false;
      d.print(' "');
      const name = d.printToZero(at + 2, length - 2);
      d.print('"');
      const mode = at + 2 + name;
      if (name === 0 || mode === end) return false;
      d.print(' ');
      const taken = d.printToZero(mode, end - mode);
      return taken !== 0 && strings(d, mode + taken, end);
    }
    case OACK:
      return strings(d, at + 2, end);
    case ACK:
    case DATA:
      if (length < 4) return false;
      d.print(` block ${d.u16(at + 2)}`);
      return true;
    case ERROR: {
      if (length < 4) return false;
      const code = d.u16(at + 2);
      d.print(` ${named(ERRORS, code, `tftp-err-#${code} "`)}`);
      if (length === 4) return false;
      d.print(' "');
      const taken = d.printToZero(at + 4, length - 4);
      d.print('"');
      return taken !== 0;
    }
    default:
      return true;
  }
}

/** Options and their values, up to the end. */
function strings(d: Dissection, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    if (d.u8(at) !== 0) d.print(' ');
    const taken = d.printToZero(at, end - at);
    if (taken === 0) return false;
    at += taken;
  }
  return true;
}

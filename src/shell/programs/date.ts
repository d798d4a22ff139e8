/** date(1): virtual time. */
import { isRefusal } from '../../uapi/result.ts';
import type { Proc } from '../process/proc.ts';
import { complain, readOptions } from './options.ts';
import { strftime } from './strftime.ts';

export async function date(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'ud:r:RI::s:f:', [
    { name: 'utc', value: 'u' },
    { name: 'universal', value: 'u' },
    { name: 'date', argument: 'required', value: 'd' },
    { name: 'reference', argument: 'required', value: 'r' },
    { name: 'rfc-email', value: 'R' },
    { name: 'iso-8601', argument: 'optional', value: 'I' },
    { name: 'rfc-3339', argument: 'required', value: '3' },
    { name: 'set', argument: 'required', value: 's' },
  ]);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  let ns = proc.realtime();
  const text = flags.get('d');
  if (text !== undefined) {
    const parsed = parseDate(text, ns);
    if (parsed === undefined) {
      complain(proc, `invalid date ‘${text}’`);
      return 1;
    }
    ns = parsed;
  }
  const reference = flags.get('r');
  if (reference !== undefined) {
    const found = proc.system.vfs.resolve(proc, reference);
    if (isRefusal(found)) {
      complain(proc, `${reference}: No such file or directory`);
      return 1;
    }
    ns = found.inode.mtime;
  }
  if (flags.has('s')) {
    complain(proc, 'cannot set date: Operation not permitted');
    return 1;
  }
  let format = '%a %b %e %H:%M:%S %Z %Y';
  if (flags.has('R')) format = '%a, %d %b %Y %H:%M:%S %z';
  else if (flags.has('I')) format = isoFormat(flags.get('I')!);
  else if (flags.has('3')) format = isoFormat(flags.get('3')!).replace('T', ' ').replace(',', '.');
  const operand = operands[0];
  if (operand !== undefined) {
    if (!operand.startsWith('+')) {
      complain(proc, `invalid date ‘${operand}’`);
      return 1;
    }
    format = operand.slice(1);
  }
  proc.stdout.write(`${strftime(format, ns, flags.has('u') ? 0 : proc.utcOffset)}\n`);
  return 0;
}

function isoFormat(precision: string): string {
  if (/^s/.test(precision)) return '%Y-%m-%dT%H:%M:%S%:z';
  if (/^n/.test(precision)) return '%Y-%m-%dT%H:%M:%S,%N%:z';
  if (/^m/.test(precision)) return '%Y-%m-%dT%H:%M%:z';
  return /^h/.test(precision) ? '%Y-%m-%dT%H%:z' : '%Y-%m-%d';
}

const UNITS: Readonly<Record<string, number>> = {
  sec: 1,
  second: 1,
  min: 60,
  minute: 60,
  hour: 3600,
  day: 86400,
  week: 604800,
  fortnight: 1209600,
};

/** The dates that scripts write: @seconds, ISO, now, yesterday, `1 hour ago`, `+5 min`. */
export function parseDate(text: string, now: number): number | undefined {
  const trimmed = text.trim();
  const epoch = /^@(-?\d+)(?:\.(\d+))?$/.exec(trimmed);
  if (epoch !== null) return Number(epoch[1]) * 1e9 + Number((epoch[2] ?? '').padEnd(9, '0').slice(0, 9));
  let base = now;
  let rest = trimmed;
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?\s*(Z|UTC|[+-]\d{2}:?\d{2})?/.exec(rest);
  if (iso !== null) {
    const time = iso[2] === undefined ? '00:00:00' : iso[2].length === 5 ? `${iso[2]}:00` : iso[2];
    const zone = iso[3] === undefined || /^[ZU]/.test(iso[3]) ? 'Z' : iso[3];
    const parsed = Date.parse(`${iso[1]}T${time}${zone}`);
    if (Number.isNaN(parsed)) return undefined;
    base = parsed * 1e6;
    rest = rest.slice(iso[0].length);
  }
  rest = rest
    .replace(/\b(now|today)\b/g, '')
    .replace(/\byesterday\b/g, '1 day ago')
    .replace(/\btomorrow\b/g, '1 day')
    .replace(/\b(?:a|an|next)\s+(?=[a-z])/g, '1 ')
    .replace(/\blast\s+(?=[a-z])/g, '-1 ');
  const relative = /([-+]?\s*\d+)\s*([a-z]+?)s?\b(\s+ago\b)?/gy;
  rest = rest.trim();
  while (rest !== '') {
    relative.lastIndex = 0;
    const match = relative.exec(rest);
    const unit = match === null ? undefined : UNITS[match[2]!];
    if (match === null || unit === undefined) return undefined;
    base += Number(match[1]!.replace(/\s/g, '')) * unit * 1e9 * (match[3] === undefined ? 1 : -1);
    rest = rest.slice(match[0].length).trim();
  }
  return base;
}

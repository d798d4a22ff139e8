/** libxtables' way of reading numbers, and of printing counters. */

/** strtoul() in base 0: the number and what follows it; undefined when there is none. A sign `-` is refused. */
export function strtoul(text: string): { value: number; rest: string } | undefined {
  const match = /^\s*\+?(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)/i.exec(text);
  if (match === null) return undefined;
  const digits = match[1]!;
  const hex = /^0x/i.test(digits);
  const value = hex ? Number.parseInt(digits, 16) : Number.parseInt(digits, digits.startsWith('0') ? 8 : 10);
  return { value, rest: text.slice(match[0].length) };
}

/** xtables_strtoui() without an end pointer: the whole text must be a number within the limits. */
export function strtoui(text: string, min: number, max: number): number | undefined {
  const number = strtoul(text);
  if (number === undefined || number.rest !== '' || number.value < min || number.value > max) return undefined;
  return number.value;
}

/** sscanf("%llu"): the decimal digits at the start. */
export function scanDecimal(text: string): number | undefined {
  const match = /^\s*\+?(\d+)/.exec(text);
  return match === null ? undefined : Number(match[1]);
}

const hex = (value: number) => `0x${(value >>> 0).toString(16)}`;

/** xtables_print_mark_mask() */
export function formatMarkMask(mark: number, mask: number): string {
  return mask === 0xffff_ffff ? ` ${hex(mark)}` : ` ${hex(mark)}/${hex(mask)}`;
}

/** A 32-bit number in hexadecimal. */
export const formatHex = hex;

/** strftime(3) in the C locale, with GNU date's flags and %N. */
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]; // prettier-ignore

/** `ns` since the epoch; `offset` seconds east of UTC. */
export function strftime(format: string, ns: number, offset: number): string {
  const seconds = Math.floor(ns / 1e9);
  const date = new Date((seconds + offset) * 1000);
  return format.replace(/%([-_0^#]*)(\d*)(:{0,3}[A-Za-z%])/g, (found, flags: string, width: string, letter: string) => {
    const text = field(letter, date, seconds, ns - seconds * 1e9, offset, width);
    return text === undefined ? found : adjust(text, flags, width, letter);
  });
}

/** Fields padded with spaces rather than zeros, and those that are words. */
const SPACED = 'ekl';
const WORDS = 'aAbBhpPZcDFrRTxXnt%';

function adjust(text: string, flags: string, width: string, letter: string): string {
  let out = text;
  if (flags.includes('^') || (flags.includes('#') && letter !== 'p')) out = out.toUpperCase();
  else if (flags.includes('#')) out = out.toLowerCase();
  if (letter === 'N') return out;
  const numeric = !WORDS.includes(letter.at(-1)!);
  if (flags.includes('-') && numeric) out = out.replace(/^[0 ]+(?=.)/, '');
  else if (flags.includes('_') && numeric) out = out.replace(/^0+(?=.)/, (zeros) => ' '.repeat(zeros.length));
  else if (flags.includes('0') && SPACED.includes(letter))
    out = out.replace(/^ +/, (spaces) => '0'.repeat(spaces.length));
  return width === '' ? out : out.padStart(Number(width), numeric && !flags.includes('_') ? '0' : ' ');
}

function two(n: number, fill = '0'): string {
  return String(n).padStart(2, fill);
}

function field(
  letter: string,
  d: Date,
  seconds: number,
  ns: number,
  offset: number,
  width: string,
): string | undefined {
  const year = d.getUTCFullYear();
  const hour = d.getUTCHours();
  const again = (format: string) => strftime(format, seconds * 1e9, offset);
  switch (letter) {
    case '%':
      return '%';
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'a':
      return DAYS[d.getUTCDay()]!.slice(0, 3);
    case 'A':
      return DAYS[d.getUTCDay()];
    case 'b':
    case 'h':
      return MONTHS[d.getUTCMonth()]!.slice(0, 3);
    case 'B':
      return MONTHS[d.getUTCMonth()];
    case 'c':
      return again('%a %b %e %H:%M:%S %Y');
    case 'C':
      return two(Math.floor(year / 100));
    case 'd':
      return two(d.getUTCDate());
    case 'D':
    case 'x':
      return again('%m/%d/%y');
    case 'e':
      return two(d.getUTCDate(), ' ');
    case 'F':
      return again('%Y-%m-%d');
    case 'H':
      return two(hour);
    case 'I':
      return two(hour % 12 || 12);
    case 'j':
      return String(dayOfYear(d) + 1).padStart(3, '0');
    case 'k':
      return two(hour, ' ');
    case 'l':
      return two(hour % 12 || 12, ' ');
    case 'm':
      return two(d.getUTCMonth() + 1);
    case 'M':
      return two(d.getUTCMinutes());
    case 'N':
      return String(Math.floor(ns))
        .padStart(9, '0')
        .slice(0, width === '' ? 9 : Number(width));
    case 'p':
      return hour < 12 ? 'AM' : 'PM';
    case 'P':
      return hour < 12 ? 'am' : 'pm';
    case 'r':
      return again('%I:%M:%S %p');
    case 'R':
      return again('%H:%M');
    case 's':
      return String(seconds);
    case 'S':
      return two(d.getUTCSeconds());
    case 'T':
    case 'X':
      return again('%H:%M:%S');
    case 'u':
      return String(d.getUTCDay() || 7);
    case 'U':
      return two(Math.floor((dayOfYear(d) + 7 - d.getUTCDay()) / 7));
    case 'w':
      return String(d.getUTCDay());
    case 'W':
      return two(Math.floor((dayOfYear(d) + 7 - ((d.getUTCDay() + 6) % 7)) / 7));
    case 'V':
    case 'G':
    case 'g':
      return isoWeek(d, letter);
    case 'y':
      return two(year % 100);
    case 'Y':
      return String(year);
    case 'z':
      return zone(offset, '');
    case ':z':
      return zone(offset, ':');
    case 'Z':
      return offset === 0 ? 'UTC' : zone(offset, '');
    default:
      return undefined;
  }
}

function dayOfYear(d: Date): number {
  return Math.floor(
    (Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate()) - Date.UTC(d.getUTCFullYear(), 0, 1)) / 86_400_000,
  );
}

function isoWeek(d: Date, letter: string): string {
  const thursday = new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate() + 4 - (d.getUTCDay() || 7)));
  if (letter === 'V') return two(Math.floor(dayOfYear(thursday) / 7) + 1);
  return letter === 'G' ? String(thursday.getUTCFullYear()) : two(thursday.getUTCFullYear() % 100);
}

function zone(offset: number, separator: string): string {
  const minutes = Math.floor(Math.abs(offset) / 60);
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${separator}${two(minutes % 60)}`;
}

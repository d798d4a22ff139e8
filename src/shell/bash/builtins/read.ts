/** read and mapfile. */
import { assignArray, assignElement, becomeArray } from '../assign.ts';
import type { Builtin } from '../builtin.ts';
import { readLine } from '../read-line.ts';
import type { Shell } from '../shell.ts';
import { invalidIdentifier, isIdentifier, readOptions } from './options.ts';

/** Status of a read that its time limit ended. */
const TIMED_OUT = 142;

export const read: Builtin = async (sh, argv) => {
  const options = readOptions(sh, argv, 'ersa:d:i:n:N:p:t:u:');
  if (options === undefined) return 2;
  const { flags } = options;
  const names = argv.slice(options.next);
  for (const name of names) {
    if (!isIdentifier(name.replace(/\[.*\]$/s, ''))) return invalidIdentifier(sh, 'read', name);
  }
  const fd = Number(flags.get('u') ?? 0);
  const file = sh.proc.fds[fd];
  if (file === undefined) {
    if (flags.has('u')) await sh.complainAs('read', `${flags.get('u')}: invalid file descriptor: Bad file descriptor`);
    else await sh.complainAs('read', 'read error: 0: Bad file descriptor');
    return 1;
  }
  const countText = flags.get('N') ?? flags.get('n');
  if (countText !== undefined && !/^\d+$/.test(countText)) {
    await sh.complainAs('read', `${countText}: invalid number`);
    return 1;
  }
  const timeText = flags.get('t');
  if (timeText !== undefined && !/^(?:\d+\.?\d*|\.\d+)$/.test(timeText)) {
    await sh.complainAs('read', `${timeText}: invalid timeout specification`);
    return 1;
  }
  const seconds = timeText === undefined ? undefined : Number(timeText);
  if (seconds === 0) return file.readable ? 0 : 1;
  const prompt = flags.get('p');
  if (prompt !== undefined && file.isTty) await sh.write(2, prompt);
  const raw = flags.has('r');
  const exact = flags.has('N');
  const delimiter = flags.has('d') ? flags.get('d')!.slice(0, 1) || '\0' : '\n';
  const result = await readLogicalLine(sh, fd, {
    raw,
    delimiter,
    exact,
    count: countText === undefined ? undefined : Number(countText),
    deadline: seconds === undefined ? undefined : sh.proc.now() + seconds * 1e9,
  });
  assignRead(sh, result, names, flags, raw, exact);
  if (result.timedOut) return TIMED_OUT;
  if (result.signal !== 0) return 128 + result.signal;
  return result.ended ? 0 : 1;
};

interface Logical {
  /** Characters, those after a backslash marked. */
  chars: { char: string; escaped: boolean }[];
  text: string;
  ended: boolean;
  timedOut: boolean;
  signal: number;
}

interface How {
  raw: boolean;
  delimiter: string;
  exact: boolean;
  count: number | undefined;
  deadline: number | undefined;
}

/** A line, continued where a backslash ends it unless it is read raw. */
async function readLogicalLine(sh: Shell, fd: number, how: How): Promise<Logical> {
  const chars: Logical['chars'] = [];
  let text = '';
  for (;;) {
    const line = await readLine(sh, fd, {
      delimiter: how.delimiter,
      exact: how.exact,
      ...(how.count === undefined ? {} : { count: how.count - chars.length }),
      ...(how.deadline === undefined ? {} : { deadline: how.deadline }),
    });
    text += line.text;
    let continued = false;
    const symbols = [...line.text];
    for (let i = 0; i < symbols.length; i++) {
      const char = symbols[i]!;
      if (char === '\0') continue;
      if (char !== '\\' || how.raw) {
        chars.push({ char, escaped: false });
        continue;
      }
      i++;
      if (i >= symbols.length) continued = line.ended;
      else if (symbols[i] !== '\n') chars.push({ char: symbols[i]!, escaped: true });
    }
    if (continued && how.count === undefined) continue;
    return { chars, text, ended: line.ended, timedOut: line.timedOut, signal: line.signal };
  }
}

function assignRead(
  sh: Shell,
  line: Logical,
  names: readonly string[],
  flags: ReadonlyMap<string, string>,
  raw: boolean,
  exact: boolean,
): void {
  void raw;
  const whole = line.chars.map(({ char }) => char).join('');
  const arrayName = flags.get('a');
  if (arrayName !== undefined) {
    const variable = sh.vars.ensure(sh.targetName(arrayName));
    const values = exact ? [whole] : splitFields(line.chars, sh.ifs, undefined);
    assignArray(
      sh,
      variable,
      values.map((value) => ({ key: undefined, append: false, value })),
      false,
    );
    return;
  }
  if (names.length === 0) {
    sh.assign('REPLY', whole);
    return;
  }
  const values = exact ? [whole] : splitFields(line.chars, sh.ifs, names.length);
  names.forEach((name, i) => {
    const value = values[i] ?? '';
    const element = /^(\w+)\[(.*)\]$/s.exec(name);
    if (element === null) sh.assign(name, value);
    else assignElement(sh, element[1]!, element[2]!, value, false);
  });
}

/** Fields at IFS; with `limit` names the last one gets the rest of the line. */
function splitFields(chars: Logical['chars'], ifs: string, limit: number | undefined): string[] {
  const isSpace = (i: number) => !chars[i]!.escaped && ' \t\n'.includes(chars[i]!.char) && ifs.includes(chars[i]!.char);
  const isDelimiter = (i: number) => !chars[i]!.escaped && ifs.includes(chars[i]!.char);
  const out: string[] = [];
  let i = 0;
  let end = chars.length;
  while (i < end && isSpace(i)) i++;
  while (end > i && isSpace(end - 1)) end--;
  while (i < end) {
    if (limit !== undefined && out.length === limit - 1) {
      out.push(lastField(chars, i, end, isDelimiter, isSpace));
      return out;
    }
    let field = '';
    while (i < end && !isDelimiter(i)) field += chars[i++]!.char;
    out.push(field);
    while (i < end && isSpace(i)) i++;
    if (i < end && isDelimiter(i)) {
      i++;
      while (i < end && isSpace(i)) i++;
    }
  }
  return out;
}

/** The rest of the line, without the one delimiter that merely ends its only field. */
function lastField(
  chars: Logical['chars'],
  from: number,
  end: number,
  isDelimiter: (i: number) => boolean,
  isSpace: (i: number) => boolean,
): string {
  let stop = end;
  let i = from;
  while (i < end && !isDelimiter(i)) i++;
  let next = i;
  while (next < end && isSpace(next)) next++;
  if (next < end && isDelimiter(next)) next++;
  while (next < end && isSpace(next)) next++;
  if (i < end && next === end) stop = i;
  return chars
    .slice(from, stop)
    .map(({ char }) => char)
    .join('');
}

export const mapfile: Builtin = async (sh, argv) => {
  const options = readOptions(sh, argv, 'd:n:O:s:tu:C:c:');
  if (options === undefined) return 2;
  const { flags } = options;
  const name = argv[options.next] ?? 'MAPFILE';
  if (!isIdentifier(name)) return invalidIdentifier(sh, argv[0]!, name);
  const fd = Number(flags.get('u') ?? 0);
  if (sh.proc.fds[fd] === undefined) {
    await sh.complainAs(argv[0]!, `${fd}: invalid file descriptor: Bad file descriptor`);
    return 1;
  }
  const delimiter = flags.has('d') ? flags.get('d')!.slice(0, 1) || '\0' : '\n';
  const limit = Number(flags.get('n') ?? 0);
  const skip = Number(flags.get('s') ?? 0);
  let index = Number(flags.get('O') ?? 0);
  const variable = sh.vars.ensure(sh.targetName(name));
  const array = becomeArray(variable);
  if (!flags.has('O')) array.length = 0;
  const callback = flags.get('C');
  const quantum = Number(flags.get('c') ?? 5000);
  for (let count = 0; limit === 0 || count < limit + skip; count++) {
    const line = await readLine(sh, fd, { delimiter });
    if (!line.ended && line.text === '') break;
    if (count >= skip) {
      const text = flags.has('t') || !line.ended ? line.text : line.text + (delimiter === '\0' ? '' : delimiter);
      if (callback !== undefined && (count - skip + 1) % quantum === 0) {
        await sh.exec.text(sh, `${callback} ${index} ${sh.exec.quote(text)}`);
      }
      array[index++] = text;
    }
    if (!line.ended) break;
  }
  return 0;
};

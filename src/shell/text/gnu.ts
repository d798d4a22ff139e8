/**
 * Where the library's utilities differ from GNU's in what labs use: arguments that it does not know in
 * their short form, and the widths and sentences of what it prints.
 */

/** Options of xargs that take a value, which may be written right behind them. */
const XARGS_VALUES = 'adEILnPs';

/** The same arguments, as the library understands them. */
export function libraryArguments(name: string, args: readonly string[]): string[] {
  if (name === 'xargs') return separateValues(args);
  if (name === 'awk' || name === 'gawk' || name === 'mawk') return literalSeparator(args);
  return [...args];
}

/** `-n2` becomes `-n 2`, up to the command that xargs is to run. */
function separateValues(args: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!/^-[A-Za-z]/.test(arg)) return [...out, ...args.slice(i)];
    const takesValue = XARGS_VALUES.includes(arg[1]!);
    if (takesValue && arg.length > 2) out.push(arg.slice(0, 2), arg.slice(2));
    else {
      out.push(arg);
      if (takesValue && i + 1 < args.length) out.push(args[++i]!);
    }
  }
  return out;
}

/** A field separator of one character stands for itself, though it may mean more in a regular expression. */
function literalSeparator(args: readonly string[]): string[] {
  const literal = (text: string) => (/^[.$*+?()[\]{}^]$/.test(text) ? (text === '^' ? '\\^' : `[${text}]`) : text);
  const out: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '-F' && i + 1 < args.length) out.push(arg, literal(args[++i]!));
    else if (arg.startsWith('-F')) out.push('-F', literal(arg.slice(2)));
    else if ((arg === '-v' || arg === '-f') && i + 1 < args.length) out.push(arg, args[++i]!);
    else if (arg.startsWith('-') && arg !== '--') out.push(arg);
    else return [...out, ...args.slice(i)];
  }
  return out;
}

/**
 * What GNU's utility would have printed.
 * @param size the size of a file in bytes, undefined when there is no such file
 */
export function gnuOutput(
  name: string,
  args: readonly string[],
  stdout: string,
  size: (path: string) => number | undefined,
): string {
  if (name === 'uniq' && hasOption(args, 'c')) {
    return stdout.replace(/^ *(\d+) /gm, (_, count: string) => `${count.padStart(7)} `);
  }
  if (name === 'wc') return wcOutput(args, stdout, size);
  return stdout;
}

function hasOption(args: readonly string[], letter: string): boolean {
  return args.some((arg) => /^-[A-Za-z]/.test(arg) && arg.includes(letter));
}

/** Columns are as wide as the sum of the files' sizes, or seven when a size is not known. */
function wcOutput(args: readonly string[], stdout: string, size: (path: string) => number | undefined): string {
  const files = args.filter((arg) => arg === '-' || !arg.startsWith('-'));
  const lines = stdout.replace(/\n$/, '').split('\n');
  const rows = lines.map((line) => /^ *(\d+(?: +\d+)*)( .*)?$/.exec(line));
  const columns = (rows[0]?.[1] ?? '').split(/ +/).length;
  if (rows.some((row) => row === null) || (columns === 1 && files.length <= 1)) return stdout;
  const sizes = files.map((file) => (file === '-' ? undefined : size(file)));
  const known = files.length > 0 && !sizes.includes(undefined);
  const total = sizes.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  const width = known ? String(total).length : 7;
  return rows
    .map(
      (row) =>
        `${row![1]!
          .split(/ +/)
          .map((n) => n.padStart(width))
          .join(' ')}${row![2] ?? ''}\n`,
    )
    .join('');
}

/** The sentences of GNU's utilities on standard error. */
export function gnuErrors(name: string, stderr: string): string {
  if (name !== 'ls') return stderr;
  return stderr.replace(
    /^ls: (?!cannot access)(.+): No such file or directory$/gm,
    "ls: cannot access '$1': No such file or directory",
  );
}

/** sysctl (procps-ng 4.0.2): reads and writes the files under /proc/sys. */
import { EACCES, EIO, EISDIR, ENOENT, EPERM, EROFS, strerror } from '../uapi/errno.ts';
import { complain, type Process } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import { Getopt, type LongOption } from './getopt.ts';
import { glob, hasGlobCharacters } from './glob.ts';
import { compileRegex } from './regex.ts';

const PROC_PATH = '/proc/sys/';
const DEFAULT_PRELOAD = '/etc/sysctl.conf';
const SYSTEM_DIRECTORIES = [
  '/etc/sysctl.d',
  '/run/sysctl.d',
  '/usr/local/lib/sysctl.d',
  '/usr/lib/sysctl.d',
  '/lib/sysctl.d',
];
const DEPRECATED: readonly string[] = ['base_reachable_time', 'retrans_time'];

const USAGE = `
Usage:
 sysctl [options] [variable[=value] ...]

Options:
  -a, --all            display all variables
  -A                   alias of -a
  -X                   alias of -a
      --deprecated     include deprecated parameters to listing
      --dry-run        Print the key and values but do not write
  -b, --binary         print value without new line
  -e, --ignore         ignore unknown variables errors
  -N, --names          print variable names without values
  -n, --values         print only values of the given variable(s)
  -p, --load[=<file>]  read values from file
  -f                   alias of -p
      --system         read values from all system directories
  -r, --pattern <expression>
                       select setting that match expression
  -q, --quiet          do not echo variable set
  -w, --write          enable writing a value to variable
  -o                   does nothing
  -x                   does nothing
  -d                   alias of -h

 -h, --help     display this help and exit
 -V, --version  output version information and exit

For more details see sysctl(8).
`;

const SHORT_OPTIONS = 'bneNwfp::qoxaAXr:Vdh';
const LONG_OPTIONS: readonly LongOption[] = [
  { name: 'all', value: 'a' },
  { name: 'deprecated', value: 'deprecated' },
  { name: 'dry-run', value: 'dry-run' },
  { name: 'binary', value: 'b' },
  { name: 'ignore', value: 'e' },
  { name: 'names', value: 'N' },
  { name: 'values', value: 'n' },
  { name: 'load', argument: 'optional', value: 'p' },
  { name: 'quiet', value: 'q' },
  { name: 'write', value: 'w' },
  { name: 'system', value: 'system' },
  { name: 'pattern', argument: 'required', value: 'r' },
  { name: 'help', value: 'h' },
  { name: 'version', value: 'V' },
];

interface Setting {
  path: string;
  /** Absent: `-key`, a path that globs pass over. */
  value: string | undefined;
  ignoreFailure: boolean;
}

interface Options {
  ignoreDeprecated: boolean;
  nameOnly: boolean;
  printName: boolean;
  printNewline: boolean;
  ignoreError: boolean;
  quiet: boolean;
  dryRun: boolean;
  matches: (text: string) => boolean;
}

class Sysctl {
  readonly #process: Process;
  readonly options: Options = {
    ignoreDeprecated: true,
    nameOnly: false,
    printName: true,
    printNewline: true,
    ignoreError: false,
    quiet: false,
    dryRun: false,
    matches: () => true,
  };

  constructor(process: Process) {
    this.#process = process;
  }

  /** glibc's error(): standard output is flushed first, so that the two streams keep their order. */
  async warn(text: string): Promise<void> {
    await this.#process.stdout.flush();
    complain(this.#process, `sysctl: ${text}\n`);
  }

  #print(text: string): void {
    this.#process.stdout.write(text);
  }

  /** Exchange `.` and `/` if the first of them in the key is not `to` already: names may hold the other one. */
  async #slashdot(key: string, from: string, to: string): Promise<string> {
    const first = key.search(/[/.]/);
    if (first < 0 || key[first] === to) return key;
    const repeated = key.search(/[/.][/.]/);
    if (repeated >= 0) await this.warn(`separators should not be repeated: ${key.slice(repeated)}`);
    return key.replace(/[/.]/g, (separator) => (separator === from ? to : from));
  }

  async #isProcPath(path: string): Promise<boolean> {
    const resolved = normalize(path);
    if (resolved.startsWith(PROC_PATH)) return true;
    await this.warn(`Path is not under ${PROC_PATH}: ${path}`);
    return false;
  }

  async readSetting(name: string): Promise<number> {
    if (name === '') {
      await this.warn('"" is an unknown key');
      return -1;
    }
    const outname = await this.#slashdot(name, '/', '.');
    const path = PROC_PATH + (await this.#slashdot(name, '.', '/'));
    const stat = this.#process.files.stat(path);
    if (isRefusal(stat)) {
      if (this.options.ignoreError) return 0;
      await this.warn(`cannot stat ${path}: ${strerror(stat.errno)}`);
      return 1;
    }
    if ((stat.mode & 0o400) === 0) return 0;
    if (!(await this.#isProcPath(path))) return -1;
    if (stat.kind === 'directory') return this.displayAll(`${path}/`);
    if (!this.options.matches(outname)) return 0;
    if (this.options.nameOnly) {
      this.#print(`${outname}\n`);
      return 0;
    }
    const text = this.#process.files.readText(path);
    if (isRefusal(text)) return this.#readFailed(text.errno, outname, path);
    this.#show(outname, text);
    return 0;
  }

  async #readFailed(errno: number, outname: string, path: string): Promise<number> {
    switch (errno) {
      case ENOENT:
        if (this.options.ignoreError) return 0;
        await this.warn(`"${outname}" is an unknown key`);
        return 1;
      case EACCES:
        await this.warn(`permission denied on key '${outname}'`);
        return 1;
      case EISDIR:
        return this.displayAll(`${path}/`);
      case EIO:
        return 1;
      default:
        await this.warn(`reading key "${outname}"`);
        return 1;
    }
  }

  #show(outname: string, text: string): void {
    if (text === '') return;
    if (!this.options.printName) {
      this.#print(this.options.printNewline ? text : text.replaceAll('\n', ''));
      return;
    }
    const ended = text.endsWith('\n') ? text : `${text}\n`;
    for (const line of ended.slice(0, -1).split('\n')) this.#print(`${outname} = ${line}\n`);
  }

  async displayAll(directory: string): Promise<number> {
    const names = this.#process.files.list(directory);
    if (isRefusal(names)) {
      await this.warn(`unable to open directory "${directory}"`);
      return 1;
    }
    let status = 0;
    for (const name of names) {
      if (this.options.ignoreDeprecated && DEPRECATED.includes(name)) continue;
      const path = directory + name;
      const stat = this.#process.files.stat(path);
      if (isRefusal(stat)) await this.warn(`cannot stat ${path}: ${strerror(stat.errno)}`);
      else if (stat.kind === 'directory') await this.displayAll(`${path}/`);
      else status |= await this.readSetting(path.slice(PROC_PATH.length));
    }
    return status;
  }

  async writeSetting(path: string, value: string, ignoreFailure: boolean): Promise<number> {
    const stat = this.#process.files.stat(path);
    if (isRefusal(stat)) {
      if (this.options.ignoreError) return 0;
      await this.warn(`cannot stat ${path}: ${strerror(stat.errno)}`);
      return 1;
    }
    if (!(await this.#isProcPath(path))) return 1;
    const key = await this.#slashdot(path.slice(PROC_PATH.length), '/', '.');
    if (stat.kind === 'directory' || (stat.mode & 0o200) === 0) {
      // The real one prints an errno that nobody set: whatever the last failed call, realpath's, left.
      await this.warn(`setting key "${key}": Invalid argument`);
      return 0;
    }
    let status = 0;
    if (!this.options.dryRun) {
      const ack = this.#process.files.write(path, `${value}\n`);
      if (ack !== undefined) {
        const opened = [ENOENT, EPERM, EROFS, EACCES].includes(ack.errno);
        if (!opened) {
          await this.warn(`setting key "${key}": ${strerror(ack.errno)}`);
          return 1;
        }
        status = await this.#openFailed(ack.errno, key, ignoreFailure);
      }
    }
    if ((status === 0 && !this.options.quiet) || this.options.dryRun) {
      const named = this.options.printName && !this.options.nameOnly;
      const newline = named || this.options.nameOnly || this.options.printNewline ? '\n' : '';
      this.#print(`${named ? `${key} = ` : ''}${value}${newline}`);
    }
    return status;
  }

  async #openFailed(errno: number, key: string, ignoreFailure: boolean): Promise<number> {
    const ignoring = ignoreFailure ? ', ignoring' : '';
    if (errno !== ENOENT) await this.warn(`permission denied on key "${key}"${ignoring}`);
    else if (!this.options.ignoreError) await this.warn(`"${key}" is an unknown key${ignoring}`);
    else return 0;
    return ignoreFailure ? 0 : 1;
  }

  async parseSetting(file: string, line: number, text: string): Promise<Setting | undefined> {
    let key = text.trimStart();
    if (key.length < 2 || key[0] === '#' || key[0] === ';') return undefined;
    if (!this.options.matches(key)) return undefined;
    const equals = key.indexOf('=');
    const minus = key[0] === '-';
    if (equals < 0 && !minus) {
      await this.warn(`${file}(${line}): invalid syntax, continuing...`);
      return undefined;
    }
    const value = equals < 0 ? undefined : key.slice(equals + 1).trim();
    key = key.slice(minus ? 1 : 0, equals < 0 ? undefined : equals).trimEnd();
    const path = PROC_PATH + (await this.#slashdot(key.startsWith('-') ? key.slice(1) : key, '.', '/'));
    return { path, value, ignoreFailure: minus && value !== undefined };
  }

  async preload(pattern: string, settings: Setting[]): Promise<number> {
    const found = glob(this.#process.files, pattern);
    let line = 0;
    for (const name of found.length > 0 ? found : [pattern]) {
      const text = await this.#contents(name);
      if (isRefusal(text)) {
        await this.warn(`cannot open "${name}": ${strerror(text.errno)}`);
        return 1;
      }
      for (const each of text.split('\n')) {
        line++;
        const setting = await this.parseSetting(name, line, each);
        if (setting !== undefined) settings.push(setting);
      }
    }
    return 0;
  }

  async #contents(name: string) {
    if (name === '-') return new TextDecoder().decode(await this.#process.stdin.readAll());
    return name === '' ? { errno: ENOENT } : this.#process.files.readText(name);
  }

  async preloadSystem(settings: Setting[]): Promise<number> {
    const configs = new Map<string, string>();
    for (const directory of SYSTEM_DIRECTORIES) {
      const names = this.#process.files.list(directory);
      if (isRefusal(names)) continue;
      for (const name of names)
        if (name.endsWith('.conf') && !configs.has(name)) configs.set(name, `${directory}/${name}`);
    }
    const paths = [...configs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
    const last = this.#process.files.stat(DEFAULT_PRELOAD);
    if (!isRefusal(last) && last.kind === 'file') paths.push(DEFAULT_PRELOAD);
    let status = 0;
    for (const path of paths) {
      if (!this.options.quiet) this.#print(`* Applying ${path} ...\n`);
      status |= await this.preload(path, settings);
    }
    return status;
  }

  async writeSettings(settings: readonly Setting[]): Promise<number> {
    const named = new Set(settings.map((setting) => setting.path));
    let status = 0;
    for (const { path, value, ignoreFailure } of settings) {
      if (value === undefined) continue;
      const paths = hasGlobCharacters(path)
        ? glob(this.#process.files, path).filter((each) => !named.has(each))
        : [path];
      for (const each of paths) status |= await this.writeSetting(each, value, ignoreFailure);
    }
    return status;
  }
}

function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export async function sysctl(process: Process): Promise<number> {
  const program = new Sysctl(process);
  const { options } = program;
  const usage = (status: number) => {
    (status === 0 ? process.stdout : process.stderr).write(USAGE);
    return status;
  };
  if (process.argv.length < 2) return usage(1);

  let write = false;
  let all = false;
  let load = false;
  let loadFile: string | undefined;
  const getopt = new Getopt(process, SHORT_OPTIONS, LONG_OPTIONS);
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    switch (parsed.option) {
      case 'b':
        options.printNewline = false;
        options.printName = false;
        break;
      case 'n':
        options.printName = false;
        break;
      case 'e':
        options.ignoreError = true;
        break;
      case 'N':
        options.nameOnly = true;
        break;
      case 'w':
        write = true;
        break;
      case 'f':
      case 'p':
        load = true;
        loadFile = parsed.argument ?? loadFile;
        break;
      case 'q':
        options.quiet = true;
        break;
      case 'o':
      case 'x':
        break;
      case 'a':
      case 'A':
      case 'X':
        all = true;
        break;
      case 'deprecated':
        options.ignoreDeprecated = false;
        break;
      case 'system': {
        options.ignoreError = true;
        const settings: Setting[] = [];
        const status = await program.preloadSystem(settings);
        return status | (await program.writeSettings(settings));
      }
      case 'dry-run':
        options.dryRun = true;
        break;
      case 'r': {
        const regex = compileRegex(parsed.argument!);
        options.matches = (text) => regex?.test(text) ?? false;
        break;
      }
      case 'V':
        process.stdout.write('sysctl from procps-ng 4.0.2\n');
        return 0;
      default:
        return usage(0);
    }
  }
  const operands = getopt.operands;
  if (all) return (await program.displayAll(PROC_PATH)) & 0xff;
  if (load) {
    const settings: Setting[] = [];
    const files = loadFile !== undefined ? [loadFile, ...operands] : operands;
    let status = 0;
    for (const file of files.length > 0 ? files : [DEFAULT_PRELOAD]) status |= await program.preload(file, settings);
    return status | (await program.writeSettings(settings));
  }
  const hint = "Try `sysctl --help' for more information.";
  if (operands.length === 0) {
    await program.warn(`no variables specified\n${hint}`);
    return 1;
  }
  if (options.nameOnly && options.quiet) {
    await program.warn(`options -N and -q cannot coexist\n${hint}`);
    return 1;
  }
  let status = 0;
  for (const operand of operands) {
    if (write || operand.includes('=')) {
      const setting = await program.parseSetting('command line', 0, operand);
      status |=
        setting === undefined
          ? 1
          : await program.writeSetting(setting.path, setting.value ?? '', setting.ignoreFailure);
    } else status += await program.readSetting(operand);
  }
  return status & 0xff;
}

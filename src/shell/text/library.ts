/**
 * The text utilities, which come from a library: it is loaded when one is first used, works on our
 * files, and runs our programs for `xargs`, `find -exec` and awk's system().
 *
 * A utility gets its standard input whole. Whether it reads it at all shows only when it asks: it is
 * run without first, and if it asks the input is read, while others go on, and it is run again.
 */
import type { Command, CommandContext, CommandExecOptions, ExecResult } from '#just-bash';
import { ProcessKilled } from '../../uapi/process.ts';
import { isRefusal } from '../../uapi/result.ts';
import { SnapshotFile } from '../fs/regular-file.ts';
import { concat, decode, encode } from '../process/bytes.ts';
import { NullFile, OpenFile } from '../process/open-file.ts';
import type { Proc } from '../process/proc.ts';
import type { SystemProgram } from '../process/system.ts';
import { BridgeFs, latin1 } from './bridge-fs.ts';

type Library = typeof import('#just-bash');

let library: Promise<Library> | undefined;
let commands: ReadonlyMap<string, Command> | undefined;

async function load(proc: Proc): Promise<Library> {
  library ??= import('#just-bash');
  const loaded = await library;
  commands ??= new loaded.Bash({ fs: new BridgeFs(proc) }).commands;
  return loaded;
}

/** The program `name` of the library. */
export function utility(name: string): SystemProgram {
  return async (proc) => {
    const loaded = await load(proc);
    const command = commands!.get(name);
    if (command === undefined) {
      proc.stderr.write(`${name}: not available\n`);
      return 127;
    }
    let result: ExecResult;
    try {
      result = await execute(proc, loaded, command, proc.argv.slice(1));
    } catch (error) {
      if (error instanceof ProcessKilled) throw error;
      proc.stderr.write(`${name}: ${(error as Error).message}\n`);
      return 1;
    }
    proc.stdout.write(outputBytes(result));
    await proc.stdout.flush();
    proc.stderr.write(result.stderr);
    return result.exitCode;
  };
}

async function execute(proc: Proc, loaded: Library, command: Command, args: string[]): Promise<ExecResult> {
  const file = proc.fds[0];
  if (file === undefined || file instanceof NullFile) return command.execute(args, context(proc, loaded, ''));
  let asked = false;
  const probe = context(proc, loaded, '');
  Object.defineProperty(probe, 'stdin', {
    get() {
      asked = true;
      throw new Error('standard input is wanted');
    },
  });
  let first: ExecResult | undefined;
  try {
    first = await command.execute(args, probe);
  } catch (error) {
    if (!asked) throw error;
  }
  if (!asked) return first!;
  const input = latin1(await proc.stdin.readAll());
  return command.execute(args, context(proc, loaded, input));
}

function context(proc: Proc, loaded: Library, stdin: string): CommandContext {
  return loaded.createCommandContext({
    fs: new BridgeFs(proc),
    cwd: proc.cwd,
    env: new Map(proc.env),
    exportedEnv: Object.fromEntries(proc.env),
    stdin,
    exec: (text, options) => runCommand(proc, text, options),
    getRegisteredCommands: () => proc.system.programNames,
  });
}

function outputBytes(result: ExecResult): Uint8Array {
  if (result.stdoutKind !== 'bytes' && result.stdoutEncoding !== 'binary') return encode(result.stdout);
  const out = new Uint8Array(result.stdout.length);
  for (let i = 0; i < out.length; i++) out[i] = result.stdout.charCodeAt(i);
  return out;
}

/** Collects what is written. */
class Collector extends OpenFile {
  readonly chunks: Uint8Array[] = [];

  override write(data: Uint8Array): number {
    this.chunks.push(data.slice());
    return data.length;
  }

  get text(): string {
    return decode(concat(this.chunks));
  }
}

/** Run a command line for a utility and collect what it prints. */
async function runCommand(proc: Proc, text: string, options: CommandExecOptions): Promise<ExecResult> {
  const { system } = proc;
  const shell = system.findProgram(proc, '/bin/bash', proc.env);
  if (isRefusal(shell)) return { stdout: '', stderr: '', exitCode: 127 };
  const child = system.fork(proc);
  const out = new Collector('pipe:[out]');
  const err = new Collector('pipe:[err]');
  if (options.stdin !== undefined) {
    const bytes =
      options.stdinKind === 'bytes'
        ? Uint8Array.from(options.stdin, (char) => char.charCodeAt(0))
        : encode(options.stdin);
    child.setFd(0, new SnapshotFile('pipe:[in]', bytes));
  } else child.setFd(0, new NullFile());
  child.setFd(1, out);
  child.setFd(2, err);
  child.cwd = options.cwd;
  const env = options.replaceEnv === true ? new Map<string, string>() : new Map(proc.env);
  for (const [name, value] of Object.entries(options.env ?? {})) env.set(name, value);
  const args = options.args ?? [];
  const argv = ['bash', '-c', args.length > 0 ? `${text} "$@"` : text, 'sh', ...args];
  system.runProgram(child, shell, argv, env);
  await proc.waitFor(child);
  return { stdout: out.text, stderr: err.text, exitCode: child.status };
}

/** The state of one bash: variables, functions, options, jobs. What runs commands is in exec.ts. */

import { isRefusal } from '../../uapi/result.ts';
import { encode } from '../process/bytes.ts';
import type { OpenFile } from '../process/open-file.ts';
import type { PipeReader } from '../process/pipe.ts';
import type { Proc } from '../process/proc.ts';
import { signalName } from '../process/signals.ts';
import type { System } from '../process/system.ts';
import { assignScalar } from './assign.ts';
import { Abort } from './error.ts';
import type { Body, List, Node, Source } from './ir.ts';
import { Jobs } from './jobs.ts';
import { defaultShopts, SET_OPTIONS, type SetOption } from './options.ts';
import { functionText } from './print.ts';
import type { Variable } from './variable.ts';
import { Variables } from './variable.ts';

export const BASH_VERSION = '5.2.15(1)-release';

export interface FunctionDefinition {
  name: string;
  body: Node;
  source: Source;
  /** File it was defined in. */
  file: string;
  line: number;
  exported: boolean;
}

/** One level of the call stack: functions and sourced files. */
export interface Frame {
  /** FUNCNAME: a function's name, `source`, or `main`. */
  name: string;
  /** BASH_SOURCE. */
  file: string;
  /** Line of the call, in the caller: BASH_LINENO. */
  callLine: number;
  isFunction: boolean;
}

/** What is to happen instead of the next command. */
export type Jump = 'none' | 'break' | 'continue' | 'return' | 'exit';

/** The parts of the executor that expansions and builtins call back into. */
export interface Executor {
  list(sh: Shell, list: List): number | Promise<number>;
  node(sh: Shell, node: Node): number | Promise<number>;
  /** `eval`, `source`, `-c`: run a text in this shell. */
  text(sh: Shell, text: string, options?: { firstLine?: number; label?: string }): Promise<number>;
  callFunction(sh: Shell, definition: FunctionDefinition, args: readonly string[]): Promise<number>;
  /** `command NAME ...`: a builtin or a program, no function. */
  command(sh: Shell, argv: readonly string[]): number | Promise<number>;
  /** `exec NAME ...`: the shell's process becomes the program. */
  replace(sh: Shell, argv: readonly string[], env: ReadonlyMap<string, string>, argv0?: string): Promise<number>;
  /** After a command that `set -e` and the ERR trap look at: sets `$?`. */
  after(sh: Shell, status: number): number | Promise<number>;
  /** Define the function of a text, without running anything else. */
  define(sh: Shell, text: string): void;
  isBuiltin(name: string): boolean;
  builtinNames(): string[];
  arithmetic(sh: Shell, text: string): bigint;
  /** A word quoted so that it can be read back. */
  quote(text: string): string;
  isExecutable(sh: Shell, path: string): boolean;
  /** Standard output of a subshell. */
  substitute(sh: Shell, body: Body): Promise<string>;
  /** The path that stands for `<(...)`. */
  processSubstitution(sh: Shell, body: Body, direction: '<' | '>'): string;
}

export class Shell {
  readonly system: System;
  readonly exec: Executor;
  proc: Proc;
  vars: Variables;
  functions: Map<string, FunctionDefinition>;
  aliases: Map<string, string>;
  /** `set -o` options that are on. */
  options: Set<SetOption>;
  shopts: Map<string, boolean>;
  /** $0, and what errors begin with. */
  name: string;
  args: string[];
  /** $? */
  status = 0;
  pipeStatus: number[] = [0];
  /** $! */
  lastBackground: number | undefined = undefined;
  /** $_ */
  lastArgument = '';
  readonly shellPid: number;
  readonly jobs: Jobs;
  /** Traps: an empty text ignores the signal. Keys are signal names, EXIT, ERR, DEBUG, RETURN. */
  traps: Map<string, string>;
  /** Signals that arrived and whose traps are to run. */
  readonly pendingTraps: number[] = [];
  runningTrap = 0;
  jump: Jump = 'none';
  /** Levels to break or continue. */
  jumpLevels = 0;
  loopDepth = 0;
  readonly frames: Frame[];
  /** Line of the command that runs. */
  line = 0;
  /** Inside a condition: -e does not apply. */
  errexitIgnored = 0;
  interactive = false;
  /** It takes commands one by one, as from a prompt: Ctrl-C ends a command, not the shell. */
  typed = false;
  /** A builtin run as a program: its errors begin with its name alone. */
  bare = false;
  /** Runs in a process that another shell forked. */
  forked = false;
  /** Subshells above: BASH_SUBSHELL. */
  subshellLevel = 0;
  /** Reads commands from a string: errors name the line differently. */
  readonly commandHash: Map<string, { path: string; hits: number }>;
  hashPath: string | undefined = undefined;
  dirStack: string[];
  randomState: number;
  /** Second of the clock that SECONDS counts from. */
  secondsBase: number;
  getoptsPosition = 0;
  /** The command that runs, and while a trap runs the one before it: BASH_COMMAND. */
  currentNode: Node | undefined = undefined;
  trappedNode: Node | undefined = undefined;
  /** The simple command for which no process need be forked, since nothing follows it. */
  tailNode: Node | undefined = undefined;
  /** A program has taken the process over: no traps, no more commands. */
  replaced = false;
  /** Line of the enclosing command, which bash names when it reports a death. */
  outerLine = 0;
  /** Foreground waits in progress; and a SIGINT that came during one. */
  waiting = 0;
  interruptPending = false;
  /** Status of the last command substitution: what a bare assignment returns. */
  substitutionStatus = 0;
  /** Runs the commands of `$(...)`. */
  inSubstitution = false;
  /** Depth for PS4: `+`, `++`. */
  traceLevel = 0;
  readonly trapsRunning: Set<string> = new Set();
  /** Traps of the parent, which `trap` in a subshell still lists. */
  readonly inheritedTraps: Map<string, string> = new Map();
  /** Some function is exported. */
  exportsFunctions = false;
  readonly disabledBuiltins: Set<string> = new Set();
  readonly readonlyFunctions: Set<string> = new Set();
  /** Read end for the last command of a pipeline that runs in this shell (lastpipe). */
  pipelineInput: PipeReader | undefined = undefined;
  /** Descriptors that redirections in force have put aside, or of coprocesses: never given to children. */
  readonly hiddenFds: Set<number> = new Set();
  /** Closes the descriptors of process substitutions of the command being run. */
  readonly procSubs: (() => void)[] = [];
  /** Reads commands from a -c string. */
  commandString = false;
  /** What `ulimit` has set. */
  readonly limits: Map<string, string> = new Map();

  constructor(proc: Proc, name: string, exec: Executor, parent?: Shell) {
    this.proc = proc;
    this.exec = exec;
    this.system = proc.system;
    this.name = name;
    this.args = parent?.args ?? [];
    this.jobs = new Jobs();
    if (parent === undefined) {
      this.vars = new Variables();
      this.functions = new Map();
      this.aliases = new Map();
      this.options = new Set<SetOption>(['braceexpand', 'hashall', 'interactive-comments']);
      this.shopts = defaultShopts();
      this.traps = new Map();
      this.frames = [];
      this.commandHash = new Map();
      this.dirStack = [];
      this.shellPid = proc.pid;
      this.randomState = proc.random();
      this.secondsBase = Math.floor(proc.realtime() / 1e9);
    } else {
      this.vars = parent.vars.clone();
      this.functions = new Map(parent.functions);
      this.aliases = new Map(parent.aliases);
      this.options = new Set(parent.options);
      this.shopts = new Map(parent.shopts);
      this.traps = new Map(parent.traps);
      this.frames = [...parent.frames];
      this.commandHash = new Map(parent.commandHash);
      this.hashPath = parent.hashPath;
      this.dirStack = [...parent.dirStack];
      this.shellPid = parent.shellPid;
      this.randomState = proc.random();
      this.secondsBase = parent.secondsBase;
      this.status = parent.status;
      this.pipeStatus = parent.pipeStatus;
      this.lastBackground = parent.lastBackground;
      this.lastArgument = parent.lastArgument;
      this.line = parent.line;
      this.loopDepth = parent.loopDepth;
      this.errexitIgnored = parent.errexitIgnored;
      this.interactive = false;
      this.typed = false;
      this.subshellLevel = parent.subshellLevel;
      this.forked = true;
      this.getoptsPosition = parent.getoptsPosition;
      this.runningTrap = parent.runningTrap;
      for (const fd of parent.hiddenFds) this.hiddenFds.add(fd);
      this.outerLine = parent.outerLine;
      this.exportsFunctions = parent.exportsFunctions;
      this.inSubstitution = parent.inSubstitution;
      this.traceLevel = parent.traceLevel;
      for (const name of parent.disabledBuiltins) this.disabledBuiltins.add(name);
      for (const name of parent.readonlyFunctions) this.readonlyFunctions.add(name);
    }
  }

  // ------------------------------------------------------------ output

  /** Text to a descriptor. Resolves at once unless a pipe is full. */
  write(fd: number, text: string): undefined | Promise<void> {
    const file = this.proc.fds[fd];
    if (file === undefined || text === '') return undefined;
    return this.writeFile(file, encode(text));
  }

  /** Bytes to a file; a closed pipe raises SIGPIPE, other refusals are the caller's to see. */
  writeFile(file: OpenFile, bytes: Uint8Array): undefined | Promise<void> {
    const taken = file.write(bytes);
    if (isRefusal(taken) || taken === bytes.length) return undefined;
    return this.writeRest(file, bytes, taken);
  }

  private async writeRest(file: OpenFile, bytes: Uint8Array, from: number): Promise<void> {
    let done = from;
    while (done < bytes.length) {
      file.writers.add(this.proc);
      await this.proc.block();
      const taken = file.write(bytes.subarray(done));
      if (isRefusal(taken)) return;
      done += taken;
    }
  }

  /** $LINENO */
  get lineNumber(): number {
    return this.line;
  }

  /** An error of the shell: `x.sh: line 3: text`. */
  complain(text: string): undefined | Promise<void> {
    return this.write(2, `${this.errorPrefix}${text}\n`);
  }

  /** An error of a builtin: `x.sh: line 3: cd: text`. */
  complainAs(builtin: string, text: string): undefined | Promise<void> {
    return this.complain(`${builtin}: ${text}`);
  }

  get errorPrefix(): string {
    if (this.bare) return '';
    const name = this.currentFile;
    return this.interactive ? `${name}: ` : `${name}: line ${this.line}: `;
  }

  /** The file that errors name: of the running function or sourced file, or $0. */
  get currentFile(): string {
    const frame = this.frames.at(-1);
    return frame === undefined || frame.file === '' || frame.file === 'environment' ? this.name : frame.file;
  }

  // ------------------------------------------------------------ parameters

  /** Inside a function or a sourced file. */
  get canReturn(): boolean {
    return this.frames.length > 0;
  }

  option(name: SetOption): boolean {
    return this.options.has(name);
  }

  /** `$-` */
  get flags(): string {
    let text = '';
    for (const [letter, name] of SET_OPTIONS) if (letter !== '' && this.options.has(name)) text += letter;
    return text + (this.interactive ? 'is' : this.commandString ? 'c' : '');
  }

  get ifs(): string {
    const variable = this.vars.get('IFS');
    return variable === undefined ? ' \t\n' : (variable.scalar ?? ' \t\n');
  }

  /** The value of `$name` for any kind of name but `@` and `*`. */
  parameter(name: string): string | undefined {
    const code = name.charCodeAt(0);
    if (code >= 0x30 && code <= 0x39) {
      const n = Number(name);
      return n === 0 ? this.name : this.args[n - 1];
    }
    if (name.length === 1) {
      switch (name) {
        case '?':
          return String(this.status);
        case '#':
          return String(this.args.length);
        case '$':
          return String(this.shellPid);
        case '!':
          return this.lastBackground === undefined ? undefined : String(this.lastBackground);
        case '-':
          return this.flags;
        case '_':
          return this.lastArgument;
      }
    }
    return this.lookup(name)?.scalar;
  }

  /** The variable, through name references. */
  lookup(name: string): Variable | undefined {
    let variable = this.vars.get(name);
    for (let depth = 0; variable?.nameref === true && variable.value !== undefined && depth < 8; depth++) {
      if (!/^[A-Za-z_]\w*$/.test(variable.value)) return variable;
      variable = this.vars.get(variable.value);
    }
    return variable;
  }

  /** Name that an assignment to `name` goes to: a reference's target. */
  targetName(name: string): string {
    let at = name;
    for (let depth = 0; depth < 8; depth++) {
      const variable = this.vars.get(at);
      if (variable?.nameref !== true || variable.value === undefined || variable.value === '') return at;
      at = variable.value;
    }
    return at;
  }

  /** The environment for children. */
  get environment(): ReadonlyMap<string, string> {
    const env = this.vars.environment;
    if (!this.exportsFunctions) return env;
    const extended = new Map(env);
    for (const [name, definition] of this.functions) {
      if (definition.exported)
        extended.set(
          `BASH_FUNC_${name}%%`,
          functionText(name, definition.body)
            .slice(name.length + 1)
            .trimEnd(),
        );
    }
    return extended;
  }

  /** Assign a scalar as a command would. */
  assign(name: string, value: string): void {
    assignScalar(this, name, value, false);
  }

  /** Give up the current command, or the shell when it reads no terminal. */
  abort(kind: 'discard' | 'exit', status = 1): never {
    throw new Abort(kind, status);
  }

  /** A name for a signal trap: INT, EXIT. */
  static trapName(signal: number): string {
    return signalName(signal) ?? String(signal);
  }
}

/** `hairpin shell`: a prompt on a machine of the twin, in real time. */
import { basename, dirname } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { TerminalMachine } from '../lab/backend.ts';
import { parseDocument, stepsOf } from '../lab/document.ts';
import { complete } from './complete.ts';
import { ensureFolder, readText } from './folder.ts';
import { kernelShell } from './kernel-shell.ts';
import { hostClock, isDocument, startTwin } from './lab.ts';
import { HELP, parseShell, type ShellOptions, UsageError } from './options.ts';
import { keep } from './run.ts';
import { type Style, styleFor } from './style.ts';
import { commandLines } from './transcript.ts';
import { usageText } from './usage.ts';

/** 128 + SIGINT. */
const INTERRUPTED = 130;
const STOPPED = 3;

export async function shell(argv: readonly string[]): Promise<number> {
  const options = parseShell(argv);
  if (options === HELP) {
    process.stdout.write(usageText('shell')!);
    return 0;
  }
  const text = options.file === undefined ? undefined : readText(options.file, 'shell');
  for (const folder of [options.pcap, options.out]) if (folder !== undefined) ensureFolder(folder, 'shell');
  if (options.on === 'kernel') return kernelShell(options, text);
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const machine = await startTwin(
    options.file === undefined ? process.cwd() : dirname(options.file),
    (stream, data) => process[stream].write(data),
    {
      seed: options.seed,
      terminal: process.stdout.isTTY === true,
      interactive: terminal,
      stdin: 'host',
      captures: options.pcap !== undefined,
      trace: options.trace !== undefined,
      ...(process.stdout.columns === undefined ? {} : { columns: process.stdout.columns }),
      ...(options.speed === 'real' ? { clock: hostClock } : {}),
    },
  );
  try {
    if (text !== undefined) await runFirst(machine, options, text);
    return await new Prompt(machine, terminal, options.speed === 'real').run();
  } finally {
    await keep(options, await machine.stop());
  }
}

/** FILE before the first prompt: a script by `source`, so that what it sets stays; a document command by command. */
async function runFirst(machine: TerminalMachine, options: ShellOptions, text: string): Promise<void> {
  const file = options.file!;
  if (!isDocument(file, text)) {
    const quoted = [`./${basename(file)}`, ...options.args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    await machine.command(`source ${quoted.join(' ')}`);
    return;
  }
  const document = parseDocument(text, (command) => machine.isComplete(command));
  const fault = document.errors[0];
  if (fault !== undefined) throw new UsageError(`${file}:${fault.line}: ${fault.message}`, 'shell');
  const style = styleFor(process.stdout, process.env);
  for (const step of stepsOf(document)) {
    process.stdout.write(commandLines(step.command, step.prompt, style));
    await machine.command(step.command);
  }
}

/** Reads commands, runs them, and passes what is typed meanwhile to them. */
class Prompt {
  readonly #machine: TerminalMachine;
  readonly #style: Style;
  readonly #terminal: boolean;
  /** Whether time goes on at the prompt. */
  readonly #real: boolean;
  readonly #lines: Interface;
  /** Lines that came while another one was being taken. */
  #pending: string[] = [];
  /** The command so far. */
  #text = '';
  #busy = false;
  /** A command runs: what is typed is for it. */
  #running = false;
  #closed = false;
  #status = 0;
  #finish: (status: number) => void = () => undefined;
  /** Ends the wait at the prompt, if there is one, and resolves when it has ended. */
  #leavePrompt: () => Promise<void> = async () => undefined;

  constructor(machine: TerminalMachine, terminal: boolean, real: boolean) {
    this.#machine = machine;
    this.#terminal = terminal;
    this.#real = real;
    this.#style = styleFor(process.stdout, process.env);
    this.#lines = createInterface({
      input: process.stdin,
      terminal,
      ...(terminal ? { output: process.stdout, historySize: 1000, removeHistoryDuplicates: true } : {}),
      completer: (line: string) => {
        const { commands, interfaces, namespaces } = machine.names();
        return complete(line, { commands, interfaces, namespaces, files: (folder) => machine.files(folder) });
      },
    });
  }

  run(): Promise<number> {
    this.#lines.on('line', (line) => this.#line(line));
    this.#lines.on('SIGINT', () => void this.#interrupt());
    this.#lines.on('close', () => {
      this.#closed = true;
      if (this.#running) this.#machine.endInput();
      else if (!this.#busy) void this.#end();
    });
    this.#ask();
    return new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  #ask(): void {
    if (this.#real && this.#terminal) this.#waitAtPrompt();
    if (!this.#terminal) return;
    this.#lines.setPrompt(this.#style.green(this.#text === '' ? '# ' : '> '));
    this.#lines.prompt();
  }

  /** Background jobs go on while nothing is typed. */
  #waitAtPrompt(): void {
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const waiting = this.#machine.until(left);
    this.#leavePrompt = async () => {
      this.#leavePrompt = async () => undefined;
      leave();
      await waiting;
    };
  }

  #line(line: string): void {
    if (!this.#busy) void this.#take(line);
    else if (this.#running && this.#terminal) this.#machine.type(`${line}\n`);
    else this.#pending.push(line);
  }

  /** Lines of commands, this one and those that wait; each command runs when it is complete. */
  async #take(line: string): Promise<void> {
    this.#busy = true;
    await this.#leavePrompt();
    for (let next: string | undefined = line; next !== undefined; next = this.#pending.shift()) {
      this.#text = this.#text === '' ? next : `${this.#text}\n${next}`;
      if (!this.#machine.isComplete(this.#text)) continue;
      const command = this.#text;
      this.#text = '';
      if (command.trim() !== '') await this.#execute(command);
      if (this.#machine.stopped !== undefined || this.#machine.exited) {
        this.#pending = [];
        this.#lines.close();
        this.#closed = true;
        break;
      }
    }
    this.#busy = false;
    if (this.#closed) await this.#end();
    else this.#ask();
  }

  async #execute(command: string): Promise<void> {
    this.#running = true;
    this.#status = await this.#machine.command(command);
    this.#running = false;
    // As bash does: a command that Ctrl-C ended leaves its ^C on a line of its own.
    if (this.#status === INTERRUPTED && this.#terminal) process.stdout.write('\n');
    const { stopped } = this.#machine;
    if (stopped === undefined) return;
    process.stderr.write(`hairpin: stopped: ${stopped.message}\n`);
    this.#status = STOPPED;
  }

  async #interrupt(): Promise<void> {
    if (this.#running) {
      process.stdout.write('^C');
      this.#machine.interrupt();
      return;
    }
    process.stdout.write('^C\n');
    // What was typed is forgotten: to the end of the line, and back to its start.
    this.#lines.write(null, { ctrl: true, name: 'e' });
    this.#lines.write(null, { ctrl: true, name: 'u' });
    this.#text = '';
    await this.#leavePrompt();
    this.#ask();
  }

  async #end(): Promise<void> {
    if (this.#terminal && !this.#machine.exited) process.stdout.write('\n');
    await this.#leavePrompt();
    if (this.#text !== '') await this.#execute(this.#text);
    this.#finish(this.#status);
  }
}

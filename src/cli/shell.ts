/** `hairpin shell`: a prompt on a machine of the twin, in real time. */
import { basename, dirname } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { TerminalMachine } from '../lab/backend.ts';
import { complete } from './complete.ts';
import { ensureFolder, readText } from './folder.ts';
import { hostClock, isDocument, startTwin } from './lab.ts';
import { HELP, parseShell, type ShellOptions, UsageError } from './options.ts';
import { keep } from './run.ts';
import { type Style, styleFor } from './style.ts';
import { usageText } from './usage.ts';

const STOPPED = 3;

export async function shell(argv: readonly string[]): Promise<number> {
  const options = parseShell(argv);
  if (options === HELP) {
    process.stdout.write(usageText('shell')!);
    return 0;
  }
  const text = options.file === undefined ? undefined : readText(options.file, 'shell');
  for (const folder of [options.pcap, options.out]) if (folder !== undefined) ensureFolder(folder, 'shell');
  const terminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const machine = await startTwin(
    options.file === undefined ? process.cwd() : dirname(options.file),
    (stream, data) => process[stream].write(data),
    {
      seed: options.seed,
      terminal: process.stdout.isTTY === true,
      captures: options.pcap !== undefined,
      trace: options.trace !== undefined,
      ...(process.stdout.columns === undefined ? {} : { columns: process.stdout.columns }),
      ...(options.speed === 'real' ? { clock: hostClock } : {}),
    },
  );
  try {
    if (text !== undefined) await runFirst(machine, options, text);
    return await new Prompt(machine, terminal).run();
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
  const { parseDocument, stepsOf } = await import('../lab/document.ts');
  const { commandLines } = await import('./transcript.ts');
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
  readonly #lines: Interface;
  #pending: string[] = [];
  #text = '';
  #running = false;
  #closed = false;
  #status = 0;
  #finish: (status: number) => void = () => undefined;

  constructor(machine: TerminalMachine, terminal: boolean) {
    this.#machine = machine;
    this.#terminal = terminal;
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
    this.#lines.on('SIGINT', () => this.#interrupt());
    this.#lines.on('close', () => {
      this.#closed = true;
      if (!this.#running) this.#end();
    });
    this.#ask();
    return new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  #ask(): void {
    if (!this.#terminal) return;
    this.#lines.setPrompt(this.#style.green(this.#text === '' ? '# ' : '> '));
    this.#lines.prompt();
  }

  #line(line: string): void {
    if (!this.#running) void this.#take(line);
    else if (this.#terminal) this.#machine.type(`${line}\n`);
    else this.#pending.push(line);
  }

  /** One more line of a command; runs it when it is complete. */
  async #take(line: string): Promise<void> {
    this.#text = this.#text === '' ? line : `${this.#text}\n${line}`;
    if (!this.#machine.isComplete(this.#text)) {
      this.#ask();
      return;
    }
    const command = this.#text;
    this.#text = '';
    this.#running = true;
    if (command.trim() !== '') this.#status = await this.#machine.command(command);
    this.#running = false;
    const { stopped, exited } = this.#machine;
    if (stopped !== undefined) {
      process.stderr.write(`hairpin: stopped: ${stopped.message}\n`);
      this.#status = STOPPED;
    }
    if (stopped !== undefined || exited) {
      this.#lines.close();
      return;
    }
    const next = this.#pending.shift();
    if (next !== undefined) await this.#take(next);
    else if (this.#closed) this.#end();
    else this.#ask();
  }

  #interrupt(): void {
    process.stdout.write('^C\n');
    if (this.#running) {
      this.#machine.interrupt();
      return;
    }
    this.#text = '';
    this.#ask();
  }

  #end(): void {
    if (this.#terminal && !this.#machine.exited) process.stdout.write('\n');
    this.#finish(this.#status);
  }
}

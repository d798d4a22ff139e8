/**
 * Where a lab runs. The twin is one backend; a real kernel in throwaway namespaces is another. What
 * runs a lab (run.ts) knows only this.
 */
import type { Artifact } from './interface-recorder.ts';
import type { InterfaceFrames, MachineTables } from './observation.ts';
import type { TraceStep } from './trace-lines.ts';

export type StreamName = 'stdout' | 'stderr';

/** Gets output as it comes. */
export type Sink = (stream: StreamName, data: Uint8Array) => void;

/** Why a run was stopped before its end. */
export interface Stopped {
  reason: string;
  /** One sentence, without a newline: names the loop when there is one. */
  message: string;
}

/** What a run may use before it is stopped; absent is no limit. */
export interface Limits {
  /** Nanoseconds of virtual time. */
  time?: number;
  /** Events of the network stack and timers. */
  events?: number;
  /** Processes alive at once. */
  processes?: number;
  /** Bytes held in files. */
  bytes?: number;
  /** Builtin shell commands: a script that loops without end. */
  commands?: number;
}

/** A folder of the host that the lab sees, read-only. Paths are relative to it, with `/`. */
export interface Folder {
  /** Where the lab sees it: an absolute path. */
  readonly path: string;
  list(path: string): { name: string; directory: boolean; mode: number; size: number }[];
  read(path: string): Uint8Array;
}

/** Real time, for a run at real pace: nanoseconds on a monotonic clock. */
export interface Clock {
  now(): number;
  wait(ns: number): Promise<void>;
}

export interface StartOptions {
  /** What is random follows from it: MAC addresses, ports, $RANDOM. */
  seed: number;
  sink: Sink;
  /** Standard output is a terminal: programs write line by line. */
  terminal: boolean;
  /** Columns of that terminal. */
  columns?: number;
  folder?: Folder;
  limits?: Limits;
  /** At real pace; absent is as fast as possible. */
  clock?: Clock;
  /** Lets the host do something else now and then during a long computation. */
  breathe?: () => Promise<void>;
  /** Record what every interface sees. */
  captures?: boolean;
  /** List the tables of all namespaces at the end. */
  tables?: boolean;
  /** Record every step of every frame. */
  trace?: boolean;
  /** Standard input: text, or `'host'` when the host will `type` it. Default: empty. */
  stdin?: string | Uint8Array | 'host';
  /** Somebody sits at a prompt: jobs are announced. */
  interactive?: boolean;
  env?: Readonly<Record<string, string>>;
}

/** What is left when a machine has stopped. */
export interface Remains {
  /** With `captures`: pcapng files. */
  captures: readonly Artifact[];
  /** With `captures`: the same as data. */
  frames: readonly InterfaceFrames[];
  /** When the captures of a real kernel ended, nanoseconds since the machine started. */
  heardUntil?: number;
  /** With `tables`; absent when the machine had stopped before. */
  tables?: MachineTables;
  /** When they began to be listed, nanoseconds since the machine, or a script on it, started. */
  listedAt?: number;
  /** With `trace`. */
  trace: readonly TraceStep[];
  /** Files that the lab wrote, with paths relative to the folder or absolute without the first `/`. */
  files: readonly Artifact[];
}

/** A machine that a lab runs on. */
export interface LabMachine {
  /** Nanoseconds since the machine started. */
  readonly now: number;
  readonly stopped: Stopped | undefined;
  /** Run a script in a bash of its own, called `path` in its messages. Returns its exit status. */
  script(path: string, text: string, args: readonly string[]): Promise<number>;
  /** Run a complete command in the machine's one lasting shell. Returns `$?`. */
  command(text: string): Promise<number>;
  /** Whether the shell would run the text, and not wait for another line. */
  isComplete(text: string): boolean;
  /** Let so many nanoseconds pass; only where time is virtual. */
  advance?(ns: number): Promise<void>;
  /** End all that still runs and hand over what was recorded. */
  stop(): Promise<Remains>;
}

/** A machine with somebody at its terminal. */
export interface TerminalMachine extends LabMachine {
  /** Ctrl-C: SIGINT for the command in the foreground. */
  interrupt(): void;
  /** What was typed while a command runs. */
  type(text: string | Uint8Array): void;
  /** End of what is typed. */
  endInput(): void;
  /** Let background jobs go on, in real time, until `done` resolves. */
  until(done: Promise<unknown>): Promise<void>;
  /** `exit` was run in the lasting shell. */
  readonly exited: boolean;
  /** What could be meant: commands, interfaces and namespaces by name, files in a folder. */
  names(): { commands: readonly string[]; interfaces: readonly string[]; namespaces: readonly string[] };
  files(folder: string): readonly { name: string; directory: boolean }[];
}

export interface Backend<M extends LabMachine = LabMachine> {
  readonly name: string;
  start(options: StartOptions): Promise<M>;
}

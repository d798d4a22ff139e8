/**
 * What a program sees of the process it runs in. Programs are asynchronous functions from a process
 * to an exit status; they wait only through the calls here, so virtual time knows when all of them
 * wait. A fatal signal ends a program by rejecting the call it waits in with {@link ProcessKilled}:
 * `finally` blocks run, nothing else should.
 */
import type { NetnsRef } from './netns.ts';
import type { Ack, Refusal } from './result.ts';
import type { FileStat, Task } from './task.ts';

export type Program = (process: Process) => Promise<number>;

export type SignalName =
  | 'HUP'
  | 'INT'
  | 'QUIT'
  | 'KILL'
  | 'USR1'
  | 'USR2'
  | 'PIPE'
  | 'ALRM'
  | 'TERM'
  | 'CHLD'
  | 'CONT'
  | 'STOP'
  | 'TSTP';

/** Thrown out of a waiting call when a signal ends the process. Never caught by programs. */
export class ProcessKilled extends Error {
  readonly signal: SignalName;
  constructor(signal: SignalName) {
    super(`killed by SIG${signal}`);
    this.signal = signal;
  }
}

/** Something `poll` can wait for: sockets are one, standard input another. */
export interface Pollable {
  readonly readable: boolean;
  onReadable: (() => void) | undefined;
}

/** An open file or pipe end to read from. */
export interface InputStream extends Pollable {
  readonly isTty: boolean;
  /** The bytes at hand, at most `max`; waits for some. An empty array is the end of the file. */
  read(max?: number): Promise<Uint8Array>;
  /** One line without its newline, undefined at the end of the file. */
  readLine(): Promise<string | undefined>;
  /** Everything up to the end of the file. */
  readAll(): Promise<Uint8Array>;
}

/**
 * Standard output with the C library's buffering: a terminal is line buffered, a pipe or a file is
 * buffered whole (4096 bytes for pipes and files) until `flush` or a normal exit; a fatal signal loses the rest.
 */
export interface OutputStream {
  readonly isTty: boolean;
  /** Append to the buffer. Text is UTF-8. */
  write(data: string | Uint8Array): void;
  /** fflush(): hand the buffer over. Waits when the reader of a pipe is slow; SIGPIPE when it is gone. */
  flush(): Promise<void>;
  /** setvbuf(): 'line' flushes at each newline, 'none' at each write. */
  setBuffering(mode: 'full' | 'line' | 'none'): void;
}

/** What to run: the program's name or path, its arguments and changes of its surroundings. */
export interface SpawnOptions {
  argv: readonly string[];
  env?: ReadonlyMap<string, string>;
  /** Run in this namespace instead of the caller's. */
  netns?: NetnsRef;
  stdin?: 'inherit' | 'null';
  /** Collect standard output instead of inheriting it. */
  capture?: boolean;
}

export interface ChildProcess {
  readonly pid: number;
  /** Resolves with the exit status, 128+n after signal n. */
  wait(): Promise<{ status: number; stdout: string }>;
  kill(signal: SignalName): void;
}

/** Files as programs use them; kernel files under /proc and /sys included. Paths may be relative to `cwd`. */
export interface Files {
  read(path: string): Uint8Array | Refusal;
  readText(path: string): string | Refusal;
  write(path: string, data: Uint8Array | string, options?: { append?: boolean; exclusive?: boolean }): Ack;
  list(path: string): string[] | Refusal;
  stat(path: string): FileStat | Refusal;
  mkdir(path: string): Ack;
  unlink(path: string): Ack;
  /** Open for writing as a stream: tcpdump -w. `-` is not special here. */
  openWrite(path: string): OutputStream | Refusal;
  /** The namespace behind an nsfs file (/run/netns/x, /proc/PID/ns/net). EINVAL for another file. */
  openNetns(path: string): NetnsRef | Refusal;
  /** Bind-mount the caller's namespace (or another) on an existing file, as `ip netns add` does. */
  bindNetns(path: string, ref?: NetnsRef): Ack;
  /** umount2(MNT_DETACH) of such a mount. */
  unmount(path: string): Ack;
}

export interface Process {
  readonly pid: number;
  /** argv[0] is the name it was called by. */
  readonly argv: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  readonly cwd: string;
  readonly task: Task;
  readonly files: Files;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  /** Unbuffered. */
  readonly stderr: OutputStream;
  /** Columns of the terminal, undefined when there is none. */
  readonly columns: number | undefined;

  /** Nanoseconds since boot. */
  now(): number;
  /** Nanoseconds since the epoch: `now()` plus the machine's boot time. */
  realtime(): number;
  /** Seconds east of UTC for the local time zone. */
  readonly utcOffset: number;
  /** A random 32-bit number from the run's seed. */
  random(): number;

  /** Wait `ns` nanoseconds. False if a caught signal ended it early. */
  sleep(ns: number): Promise<boolean>;
  /**
   * Wait until one of the sources is readable, the timeout passes, or a caught signal arrives.
   * `timeout` in nanoseconds; undefined waits for ever.
   */
  poll(sources: readonly Pollable[], timeout?: number): Promise<'ready' | 'timeout' | 'signal'>;
  /** Let others run, without moving the clock. */
  yield(): Promise<void>;
  /** Install a handler; undefined restores the default action. Handlers run at once, they must not wait. */
  onSignal(signal: SignalName, handler: (() => void) | undefined): void;
  /** Send a signal; ESRCH when there is no such process. */
  kill(pid: number, signal: SignalName): Ack;
  /** fork and exec. A refusal with ENOENT when there is no such program. */
  spawn(options: SpawnOptions): ChildProcess | Refusal;
  /** Run another program in this process and return its status, as exec would: `ip netns exec`, `nsenter`. */
  exec(argv: readonly string[], options?: { netns?: NetnsRef }): Promise<number | Refusal>;
}

/** `text` to standard error, unbuffered. */
export function complain(process: Process, text: string): void {
  process.stderr.write(text);
}

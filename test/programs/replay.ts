/**
 * Replays recordings: what a real program printed on a real kernel, and what that kernel answered to the
 * requests that our program makes for the same command. A request that was not made then is a failure.
 */
import { readFileSync } from 'node:fs';
import type { OutputStream, Process } from '../../src/uapi/process.ts';

/** Method, arguments, answer; `{ $: n }` stands for the nth of the recording's answers. */
type Call = [method: string, args: unknown[], answer: unknown];

interface RecordedCommand {
  command: string;
  calls: Call[];
  /** Standard output and standard error as they came, standard output buffered until a flush or the end. */
  output: string;
  status: number;
}

interface Recording {
  answers: unknown[];
  commands: RecordedCommand[];
}

/** A recording is a file of JSON lines: the answers, then one command a line. */
export function loadRecording(name: string): Recording {
  const text = readFileSync(new URL(`./recordings/${name}.jsonl`, import.meta.url), 'utf8');
  const [answers, ...commands] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  return { answers: answers as unknown[], commands: commands as RecordedCommand[] };
}

function answerers(kind: string, { answers }: Recording, calls: readonly Call[]): unknown {
  const resolve = (answer: unknown): unknown => {
    if (answer === null) return undefined;
    const reference = typeof answer === 'object' ? (answer as { $?: number }).$ : undefined;
    return reference === undefined ? answer : answers[reference];
  };
  const left = [...calls];
  return new Proxy(
    {},
    {
      get:
        (_target, method: string) =>
        (...args: unknown[]) => {
          const asked = JSON.stringify([`${kind}.${method}`, args]);
          const at = left.findIndex((call) => JSON.stringify(call.slice(0, 2)) === asked);
          const known = at >= 0 ? left[at] : calls.findLast((call) => JSON.stringify(call.slice(0, 2)) === asked);
          if (known === undefined) throw new Error(`not in the recording: ${asked}`);
          if (at >= 0) left.splice(at, 1);
          return resolve(known[2]);
        },
    },
  );
}

/** Run one command of a recording against the recorded answers. */
export async function replay(
  program: (process: Process) => Promise<number>,
  recording: Recording,
  { command, calls }: RecordedCommand,
): Promise<{ output: string; status: number }> {
  let output = '';
  let buffer = '';
  const text = (data: string | Uint8Array): string =>
    typeof data === 'string' ? data : new TextDecoder().decode(data);
  const stdout: OutputStream = {
    isTty: false,
    write: (data) => {
      buffer += text(data);
    },
    flush: async () => {
      output += buffer;
      buffer = '';
    },
    setBuffering: () => {},
  };
  const stderr: OutputStream = {
    ...stdout,
    write: (data) => {
      output += text(data);
    },
  };
  const argv = (command.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
  const process = {
    argv,
    env: new Map(),
    stdout,
    stderr,
    files: answerers('files', recording, calls),
    task: { rtnl: answerers('rtnl', recording, calls), ioctl: answerers('ioctl', recording, calls) },
  } as unknown as Process;
  const status = await program(process);
  return { output: output + buffer, status };
}

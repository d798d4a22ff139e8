/** `hairpin replay` and `hairpin inject`: frames sent into an interface of a lab, from a file or from the command line. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { agrees } from '../lab/agreement.ts';
import type { Remains } from '../lab/backend.ts';
import { stepsOf } from '../lab/document.ts';
import { placeOf } from '../lab/observation.ts';
import { captureOf, checkCapture, putCommands, sendCommand } from '../lab/replay.ts';
import { OutputCollector, runDocument } from '../lab/run.ts';
import { onPath } from '../linux/kernel-backend.ts';
import { type AgreeTask, agree, agreementText, labDocument } from './agree.ts';
import { ensureFolder, readText, reason } from './folder.ts';
import { limitsOf, startMachine } from './lab.ts';
import { HELP, parseInject, parseReplay, type ReplayOptions, UsageError } from './options.ts';
import { keep } from './run.ts';
import { styleFor } from './style.ts';
import { usageText } from './usage.ts';

const DIFFERS = 1;
const NOT_SENT = 1;
const STOPPED = 3;

export async function replay(argv: readonly string[]): Promise<number> {
  const options = parseReplay(argv);
  if (options === HELP) {
    process.stdout.write(usageText('replay')!);
    return 0;
  }
  let file: Uint8Array;
  try {
    file = readFileSync(options.capture);
  } catch (error) {
    throw new UsageError(`${options.capture}: ${reason(error)}`, 'replay');
  }
  return send(options, file, options.capture);
}

export async function inject(argv: readonly string[]): Promise<number> {
  const options = parseInject(argv);
  if (options === HELP) {
    process.stdout.write(usageText('inject')!);
    return 0;
  }
  const file = captureOf(options.frames, options.interval);
  return send(options, file, 'the frames');
}

/** Run the lab, then send the file's frames on each backend. */
async function send(options: ReplayOptions, file: Uint8Array, name: string): Promise<number> {
  const { command } = options;
  const check = checkCapture(file);
  if ('error' in check) throw new UsageError(`${name}: ${check.error}`, command);
  if (check.warning !== undefined) process.stderr.write(`hairpin: ${name}: ${check.warning}\n`);
  await needTcpreplay(options);
  if (options.pcap !== undefined) ensureFolder(options.pcap, command);
  const put = putCommands(check.file);
  const sending = sendCommand(options.target, options.tcpreplay);
  const then = [...put, sending, `sleep ${options.settle}`];
  const { lab, args, on, against, seed, budget } = options;
  const task = { file: lab, text: readText(lab, command), args, then, on, against, seed, budget };
  if (against.length > 0) {
    const agreements = await agree(task);
    const style = styleFor(process.stdout, process.env);
    for (const agreement of agreements) process.stdout.write(agreementText(lab, agreement, style));
    return agreements.every(agrees) ? 0 : DIFFERS;
  }
  return sendOnOne(options, task, put.length);
}

/** A real kernel has no such program of its own. */
async function needTcpreplay({ on, against, command }: ReplayOptions): Promise<void> {
  if ([on, ...against].every((name) => name === 'twin')) return;
  if (onPath('tcpreplay')) return;
  throw new UsageError(
    'a real kernel needs the program tcpreplay for this; get it by: apt-get install tcpreplay',
    command,
  );
}

async function sendOnOne(options: ReplayOptions, task: AgreeTask, puts: number): Promise<number> {
  const collector = new OutputCollector();
  const machine = await startMachine(options.on, dirname(options.lab), collector.sink, {
    seed: options.seed,
    terminal: true,
    limits: limitsOf(options.budget),
    captures: true,
    trace: options.trace !== undefined,
  });
  let status = 0;
  let sentAt = 0;
  let remains: Remains | undefined;
  try {
    const document = labDocument(task, (text) => machine.isComplete(text));
    const first = stepsOf(document).length - task.then!.length;
    let at = 0;
    const { stopped } = await runDocument(machine, collector, document, {
      after: ({ output, status: ended, startedAt }) => {
        if (at++ !== first + puts) return;
        process.stdout.write(output);
        sentAt = startedAt;
        const failed = Number(/^\tFailed packets: +(\d+)/m.exec(output)?.[1] ?? 0);
        const nothing = ended !== 0 || !output.includes('Successful packets:');
        if (nothing) process.stderr.write('hairpin: no frame was sent; the reason stands above\n');
        else if (failed > 0) process.stderr.write(`hairpin: ${failed} frames were not sent; the reasons stand above\n`);
        status = nothing || failed > 0 ? NOT_SENT : 0;
      },
    });
    if (stopped !== undefined) {
      process.stderr.write(`hairpin: stopped: ${stopped.message}\n`);
      status = STOPPED;
    }
  } finally {
    remains = await machine.stop();
  }
  if (status === 0) process.stdout.write(passedText(remains, sentAt));
  await keep(options, remains);
  return status;
}

/** How many frames passed each interface from then on. */
function passedText({ frames }: Remains, from: number): string {
  const passed = frames
    .map((one) => ({ place: placeOf(one), count: one.frames.filter(({ time }) => time >= from).length }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => (a.place < b.place ? -1 : 1));
  const width = Math.max(0, ...passed.map(({ count }) => String(count).length));
  const lines = passed.map(({ place, count }) => `  ${String(count).padStart(width)}  ${place}\n`);
  return `Frames that passed each interface from then on:\n${lines.join('')}`;
}

/** `hairpin run`: one script or lab document. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Agreement, agrees } from '../lab/agreement.ts';
import type { LabMachine, Remains, Stopped } from '../lab/backend.ts';
import { parseDocument, stepsOf } from '../lab/document.ts';
import { missingDevices } from '../lab/missing-device.ts';
import { type Recording, recordDocument, recordScript } from '../lab/recording.ts';
import { OutputCollector, runDocument, runScript } from '../lab/run.ts';
import { traceLines } from '../lab/trace-lines.ts';
import { updateDocument } from '../lab/update.ts';
import { whyNoCaptures } from '../linux/kernel-backend.ts';
import { neighbourTableOverflows } from '../linux/neighbour-table.ts';
import { whyUmlUnavailable } from '../linux/uml-backend.ts';
import { agree, agreementText } from './agree.ts';
import { ensureFolder, readText, reason, writeFiles } from './folder.ts';
import { breathe, hostClock, isDocument, limitsOf, startMachine } from './lab.ts';
import { liveOutput } from './live-output.ts';
import { HELP, parseRun, type RunOptions, UsageError } from './options.ts';
import { connectStdin } from './stdin.ts';
import { styleFor } from './style.ts';
import { failureText, Transcript } from './transcript.ts';
import { usageText } from './usage.ts';

/** Exit status of a run that its budget stopped. */
const STOPPED = 3;
const DIFFERS = 1;

export async function run(argv: readonly string[]): Promise<number> {
  const options = parseRun(argv);
  if (options === HELP) {
    process.stdout.write(usageText('run')!);
    return 0;
  }
  const fromStdin = options.file === '-';
  const text = fromStdin ? readFileSync(0, 'utf8') : readText(options.file, 'run');
  for (const folder of [options.pcap, options.out]) if (folder !== undefined) ensureFolder(folder, 'run');
  const document = isDocument(options.file, text);
  if (options.update && !document) {
    throw new UsageError(`--update: ${options.file} is not a lab document (.md)`, 'run');
  }
  if (options.against.length > 0) return runAgainst(options, text);
  return document ? runDocumentFile(options, text) : runScriptFile(options, text);
}

/** Kinds of devices that one of the two backends does not have. */
function missingIn({ disagreements }: Agreement): string[] {
  return disagreements.flatMap(({ command, diff }) =>
    missingDevices(command, diff.map((line) => line.text).join('\n')),
  );
}

/** On several backends: what differs between them, and how much. */
async function runAgainst(options: RunOptions, text: string): Promise<number> {
  const overflows = neighbourTableOverflows();
  let agreements = await agree({ ...options, text });
  const lacking = agreements.flatMap(missingIn);
  if (options.both && lacking.length > 0 && whyUmlUnavailable() === undefined) {
    const devices = [...new Set(lacking)].join(', ');
    process.stderr.write(
      `hairpin: this kernel has no device of type ${devices}: compared with User-Mode Linux instead\n`,
    );
    agreements = await agree({ ...options, against: ['uml'], text });
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ lab: options.file, agreements }, undefined, 2)}\n`);
  else {
    const style = styleFor(process.stdout, process.env);
    for (const agreement of agreements) {
      process.stdout.write(agreementText(options.file, agreement, style));
      const missing = missingIn(agreement);
      if (missing.length > 0) {
        const devices = [...new Set(missing)].join(', ');
        process.stderr.write(
          `hairpin: ${agreement.backends[1]} has no device of type ${devices}; see: hairpin kernels\n`,
        );
      }
    }
  }
  if (agreements.some(({ frames }) => frames === undefined)) {
    const why = whyNoCaptures();
    if (why !== undefined) process.stderr.write(`hairpin: frames were not compared: ${why}\n`);
  }
  const agreed = agreements.every(agrees);
  if (!agreed && neighbourTableOverflows() > overflows) {
    process.stderr.write(
      "hairpin: this machine's table of neighbours was full meanwhile: run it again when less goes on here\n",
    );
  }
  return agreed ? 0 : DIFFERS;
}

function startOptions(options: RunOptions, terminal: boolean) {
  return {
    seed: options.seed,
    terminal,
    limits: limitsOf(options.budget),
    captures: options.pcap !== undefined,
    trace: options.trace !== undefined,
    ...(process.stdout.columns === undefined ? {} : { columns: process.stdout.columns }),
    ...(options.speed === 'real' ? { clock: hostClock } : {}),
  };
}

function folderOf(file: string): string {
  return file === '-' ? process.cwd() : dirname(file);
}

async function runScriptFile(options: RunOptions, text: string): Promise<number> {
  const collector = new OutputCollector();
  const live = liveOutput((stream, data) => process[stream].write(data));
  const sink = options.json ? collector.sink : live.sink;
  const fromStdin = options.file === '-';
  const machine = await startMachine(options.on, folderOf(options.file), sink, {
    ...startOptions(options, process.stdout.isTTY === true),
    ...(fromStdin ? {} : { stdin: 'host' as const }),
  });
  const disconnect = fromStdin ? () => undefined : connectStdin(machine);
  const script = { path: fromStdin ? 'bash' : options.file, text, args: options.args };
  const result = await runScript(machine, collector, script).finally(() => {
    disconnect();
    live.flush();
  });
  const status = result.stopped === undefined ? result.status : STOPPED;
  const duration = machine.now;
  await finish(options, machine, result.stopped);
  if (options.json) printJson(recordScript(aboutRun(options), result, status, duration));
  return status;
}

async function runDocumentFile(options: RunOptions, text: string): Promise<number> {
  const collector = new OutputCollector();
  const machine = await startMachine(options.on, folderOf(options.file), collector.sink, startOptions(options, true));
  const document = parseDocument(text, (command) => machine.isComplete(command));
  const fault = document.errors[0];
  if (fault !== undefined) {
    await machine.stop();
    throw new UsageError(`${options.file}:${fault.line}: ${fault.message}`, 'run');
  }
  if (stepsOf(document).length === 0) {
    await machine.stop();
    throw new UsageError(`${options.file}: no command in a \`\`\`console block`, 'run');
  }

  const style = styleFor(process.stdout, process.env);
  const write = (line: string) => {
    process.stdout.write(line);
  };
  const quiet = options.json || options.quiet || options.update;
  const transcript = quiet ? undefined : new Transcript(document, style, write);
  const missing = new Set<string>();
  const result = await runDocument(machine, collector, document, {
    before: (step) => transcript?.before(step),
    after: (step) => {
      transcript?.after(step);
      for (const device of missingDevices(step.step.command, step.output)) missing.add(device);
      if (options.quiet && !options.json && !step.asExpected) {
        write(failureText(options.file, step, style));
      }
    },
  });
  transcript?.end();
  await finish(options, machine, result.stopped);
  if (options.on !== 'twin' && missing.size > 0) {
    process.stderr.write(
      `hairpin: this kernel has no device of type ${[...missing].join(', ')}; see: hairpin kernels\n`,
    );
  }

  let status = result.stopped !== undefined ? STOPPED : result.asExpected ? 0 : DIFFERS;
  if (options.update && result.stopped === undefined) {
    const fresh = updateDocument(
      document,
      result.steps.map((step) => step.output),
    );
    if (fresh !== text) writeFileSync(options.file, fresh);
    const changed = result.steps.filter((step) => !step.asExpected).length;
    if (!options.json) write(`${options.file}: ${changed} of ${result.steps.length} outputs rewritten\n`);
    status = 0;
  } else if (!options.json) {
    write(summary(options.file, result.steps.length, result.steps.filter((step) => !step.asExpected).length));
  }
  if (options.json) printJson(recordDocument(aboutRun(options), result, status));
  return status;

  function summary(path: string, total: number, differing: number): string {
    if (differing === 0) return style.green(`${path}: all ${total} commands printed what was expected\n`);
    return style.red(`${path}: ${differing} of ${total} commands printed something else\n`);
  }
}

function aboutRun(options: RunOptions) {
  return { lab: options.file, backend: options.on, seed: options.seed };
}

function printJson(recording: Recording): void {
  process.stdout.write(`${JSON.stringify(recording, undefined, 2)}\n`);
}

/** Stop the machine and write what was asked for. */
async function finish(options: RunOptions, machine: LabMachine, stopped: Stopped | undefined): Promise<void> {
  const remains = await machine.stop();
  await breathe();
  if (stopped !== undefined) process.stderr.write(`hairpin: stopped: ${stopped.message}\n`);
  await keep(options, remains);
}

/** Write captures, trace and files where the options say. */
export async function keep(
  options: { pcap: string | undefined; trace: string | undefined; out: string | undefined },
  remains: Remains,
): Promise<void> {
  try {
    if (options.pcap !== undefined) writeFiles(options.pcap, remains.captures);
    if (options.out !== undefined) writeFiles(options.out, remains.files);
    if (options.trace !== undefined) {
      writeFileSync(options.trace, traceLines(remains.trace));
    }
  } catch (error) {
    throw new UsageError(`cannot write: ${reason(error)}`);
  }
}

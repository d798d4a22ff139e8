/** conntrack 1.4.7: listing, deleting, counting and watching tracked connections. */
import type { ConntrackEntry, ConntrackEvent } from '../../uapi/conntrack.ts';
import type { Pollable, Process } from '../../uapi/process.ts';
import { ConntrackExit, type ConntrackOptions, readOptions, VERSION } from './options.ts';
import { connectionLine } from './output.ts';
import { USAGE } from './usage.ts';

const EXPECT = 'expect';

/** A line to standard error, where conntrack tells what it has done. */
function summary(process: Process, text: string): void {
  process.stderr.write(`${VERSION}: ${text}\n`);
}

const passes = ({ filters, otherFamily }: ConntrackOptions, entry: ConntrackEntry): boolean =>
  !otherFamily && filters.every((filter) => filter(entry));

/** Only the main table ever has entries: nothing is expected, dying or unconfirmed when a program looks. */
function entries(process: Process, options: ConntrackOptions): ConntrackEntry[] {
  if (options.table !== 'conntrack') return [];
  return process.task.ctnetlink.dump(options.zero).filter((entry) => passes(options, entry));
}

function list(process: Process, options: ConntrackOptions): number {
  const epoch = process.realtime() - process.now();
  const found = entries(process, options);
  for (const entry of found) process.stdout.write(`${connectionLine(entry, options.output, epoch)}\n`);
  const what = options.table === EXPECT ? 'expectations' : 'flow entries';
  summary(process, `${found.length} ${what} have been shown.`);
  return 0;
}

function remove(process: Process, options: ConntrackOptions): number {
  const epoch = process.realtime() - process.now();
  let count = 0;
  for (const entry of entries(process, options)) {
    if (!process.task.ctnetlink.delete(entry.id, process.pid)) continue;
    process.stdout.write(`${connectionLine(entry, options.output, epoch)}\n`);
    count++;
  }
  summary(process, `${count} flow entries have been deleted.`);
  return count > 0 ? 0 : 1;
}

function flush(process: Process, options: ConntrackOptions): number {
  if (options.table === EXPECT) {
    summary(process, 'expectation table has been emptied.');
    return 0;
  }
  process.task.ctnetlink.flush(process.pid);
  summary(process, 'connection tracking table has been emptied.');
  return 0;
}

/** The counters of the one processor there is. */
function stats(process: Process): number {
  const { invalid, insertFailed, drop } = process.task.ctnetlink.stats();
  const counts = `found=0 invalid=${invalid} insert=0 insert_failed=${insertFailed} drop=${drop} early_drop=0 error=0`;
  process.stdout.write(`cpu=0   \t${counts} search_restart=0 clash_resolve=0 chaintoolong=0 \n`);
  return 0;
}

const LABELS = { new: '    [NEW] ', update: ' [UPDATE] ', destroy: '[DESTROY] ' } as const;

function eventLine(process: Process, { entry, type, time, pid }: ConntrackEvent, options: ConntrackOptions): string {
  const micros = Math.floor((process.realtime() - process.now() + time) / 1e3);
  const stamp = `[${Math.floor(micros / 1e6)}.${String(micros % 1e6).padEnd(6)}]\t`;
  const asked = pid === 0 ? '' : ` [USERSPACE] portid=${pid}`;
  return `${options.output.timestamp ? stamp : ''}${LABELS[type]}${connectionLine(entry, options.output)}${asked}\n`;
}

/** Events that have come, for the process to wait for. */
class EventQueue implements Pollable {
  readonly list: ConntrackEvent[] = [];
  onReadable: (() => void) | undefined;

  get readable(): boolean {
    return this.list.length > 0;
  }

  push(event: ConntrackEvent): void {
    this.list.push(event);
    this.onReadable?.();
  }
}

/** Events until a signal. */
async function watch(process: Process, options: ConntrackOptions): Promise<number> {
  const queue = new EventQueue();
  let stopped = false;
  let count = 0;
  const stop = (): void => {
    stopped = true;
  };
  process.onSignal('INT', stop);
  process.onSignal('TERM', stop);
  const end = process.task.ctnetlink.listen((event) => {
    if (options.events.has(event.type) && passes(options, event.entry)) queue.push(event);
  });
  try {
    while (!stopped) {
      await process.poll([queue]);
      for (let event = queue.list.shift(); event !== undefined; event = queue.list.shift()) {
        process.stdout.write(eventLine(process, event, options));
        count++;
      }
      await process.stdout.flush();
    }
  } finally {
    end();
  }
  summary(process, `${count} flow events have been shown.`);
  return 0;
}

function count(process: Process, options: ConntrackOptions): number {
  process.stdout.write(`${options.table === EXPECT ? 0 : process.task.ctnetlink.count()}\n`);
  return 0;
}

async function run(process: Process): Promise<number> {
  const options = readOptions(process);
  switch (options.command) {
    case 'L':
      return list(process, options);
    case 'D':
      return remove(process, options);
    case 'F':
      return flush(process, options);
    case 'C':
      return count(process, options);
    case 'S':
      return stats(process);
    case 'E':
      return watch(process, options);
    case 'V':
      process.stdout.write(`${VERSION}\n`);
      return 0;
    case 'h':
      process.stdout.write(USAGE);
      return 0;
  }
}

/** The program `conntrack`. */
export async function conntrack(process: Process): Promise<number> {
  try {
    return await run(process);
  } catch (end) {
    if (end instanceof ConntrackExit) return end.status;
    throw end;
  }
}

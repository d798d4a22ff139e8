/** jobs, wait, kill, fg, bg, disown, trap. */
import { strerror } from '../../../uapi/errno.ts';
import { signalName, signalNumber } from '../../process/signals.ts';
import type { Builtin } from '../builtin.ts';
import { jobLine, notifyJob, notifyJobs, waitUntil } from '../job-control.ts';
import type { Job } from '../jobs.ts';
import { quoteSingle } from '../quote.ts';
import type { Shell } from '../shell.ts';
import { setTrapHandler } from '../traps.ts';
import { isIdentifier, readOptions, usage } from './options.ts';

function findJob(sh: Shell, builtin: string, spec: string): Job | undefined {
  const job = sh.jobs.find(spec);
  if (job === 'ambiguous') {
    void sh.complainAs(builtin, `${spec.slice(1)}: ambiguous job spec`);
    void sh.complainAs(builtin, `${spec}: no such job`);
    return undefined;
  }
  if (job === undefined) void sh.complainAs(builtin, `${spec}: no such job`);
  return job;
}

export const jobs: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'lnprsx');
  if (options === undefined) return 2;
  const { flags } = options;
  const specs = argv.slice(options.next);
  let status = 0;
  let out = '';
  const chosen: Job[] = [];
  if (specs.length === 0) chosen.push(...sh.jobs.listed);
  for (const spec of specs) {
    const job = findJob(sh, 'jobs', spec);
    if (job === undefined) status = 1;
    else chosen.push(job);
  }
  const ended: Job[] = [];
  for (const job of chosen) {
    if (flags.has('r') && job.state !== 'running') continue;
    if (flags.has('s') && !job.procs.some((proc) => proc.stopped)) continue;
    out += flags.has('p') ? `${job.procs[0]!.pid}\n` : jobLine(sh, job, flags.has('l'));
    if (job.state === 'done') ended.push(job);
  }
  for (const job of ended) sh.jobs.remove(job);
  void sh.write(1, out);
  return status;
};

export const wait: Builtin = async (sh, argv) => {
  const options = readOptions(sh, argv, 'fnp:');
  if (options === undefined) return 2;
  const { flags } = options;
  const ids = argv.slice(options.next);
  const name = flags.get('p');
  if (name !== undefined) {
    if (!isIdentifier(name.replace(/\[.*\]$/, ''))) {
      await sh.complainAs('wait', `\`${name}': not a valid identifier`);
      return 1;
    }
    sh.vars.unset(name);
  }
  if (flags.has('n')) return waitNext(sh, ids, name);
  if (ids.length === 0) {
    return waitAll(sh);
  }
  let status = 0;
  let last: number | undefined;
  for (const id of ids) {
    const waited = await waitFor(sh, id);
    if (waited === undefined) continue;
    if (waited.interrupted) return waited.status;
    ({ status } = waited);
    last = waited.pid;
  }
  if (name !== undefined && last !== undefined) sh.assign(name, String(last));
  return status;
};

/** Wait for each job that runs; one that had ended already and is `$!` stays listed. */
async function waitAll(sh: Shell): Promise<number> {
  const waited = new Set<Job>();
  for (let job = running(sh); job !== undefined; job = running(sh)) {
    const each = job;
    waited.add(each);
    const signal = await waitUntil(sh, () => each.state === 'done');
    if (signal !== 0) return 128 + signal;
  }
  const last = sh.lastBackground;
  notifyJobs(sh, (job) => waited.has(job) || !job.procs.some((proc) => proc.pid === last));
  sh.jobs.ended.clear();
  return 0;
}

function running(sh: Shell): Job | undefined {
  return sh.jobs.all.find((job) => job.state !== 'done');
}

async function waitFor(sh: Shell, id: string): Promise<{ status: number; pid?: number; interrupted?: boolean }> {
  if (id.startsWith('%')) {
    const job = findJob(sh, 'wait', id);
    if (job === undefined) return { status: 127 };
    const last = job.procs.at(-1)!;
    const signal = await waitUntil(sh, () => job.state === 'done');
    if (signal !== 0) return { status: 128 + signal, interrupted: true };
    notifyJobs(sh, (each) => each === job);
    return { status: last.status, pid: last.pid };
  }
  if (!/^\d+$/.test(id)) {
    await sh.complainAs('wait', `\`${id}': not a pid or valid job spec`);
    return { status: 1 };
  }
  const pid = Number(id);
  const job = sh.jobs.byPid(pid);
  const known = sh.jobs.ended.get(pid);
  if (job === undefined && known === undefined) {
    await sh.complainAs('wait', `pid ${id} is not a child of this shell`);
    return { status: 127 };
  }
  const proc = job?.procs.find((each) => each.pid === pid);
  if (proc !== undefined) {
    const signal = await waitUntil(sh, () => proc.ended);
    if (signal !== 0) return { status: 128 + signal, interrupted: true };
    notifyJobs(sh, (each) => each === job);
    return { status: proc.status, pid };
  }
  return { status: known!, pid };
}

async function waitNext(sh: Shell, ids: readonly string[], name: string | undefined): Promise<number> {
  const wanted = new Set<number>();
  for (const id of ids) {
    const job = id.startsWith('%') ? findJob(sh, 'wait', id) : sh.jobs.byPid(Number(id));
    if (job !== undefined) for (const proc of job.procs) wanted.add(proc.pid);
    else if (!id.startsWith('%') && !sh.jobs.ended.has(Number(id))) {
      await sh.complainAs('wait', `pid ${id} is not a child of this shell`);
    } else if (!id.startsWith('%')) wanted.add(Number(id));
  }
  const candidate = () =>
    sh.jobs.all.find(
      (job) =>
        job.state === 'done' && !job.notified && (ids.length === 0 || job.procs.some((proc) => wanted.has(proc.pid))),
    );
  const early = [...wanted].find((pid) => sh.jobs.ended.has(pid) && sh.jobs.byPid(pid) === undefined);
  if (early !== undefined) {
    const status = sh.jobs.ended.get(early)!;
    sh.jobs.ended.delete(early);
    if (name !== undefined) sh.assign(name, String(early));
    return status;
  }
  const pending = () =>
    sh.jobs.all.some(
      (job) => job.state !== 'done' && (ids.length === 0 || job.procs.some((proc) => wanted.has(proc.pid))),
    );
  if (candidate() === undefined && !pending()) return 127;
  const signal = await waitUntil(sh, () => candidate() !== undefined);
  if (signal !== 0) return 128 + signal;
  const job = candidate()!;
  const last = job.procs.at(-1)!;
  if (name !== undefined) sh.assign(name, String(last.pid));
  notifyJob(sh, job, true);
  for (const proc of job.procs) sh.jobs.ended.delete(proc.pid);
  return last.status;
}

export const kill: Builtin = async (sh, argv) => {
  if (argv.length === 1) return usage(sh, 'kill');
  let signal = 15;
  let i = 1;
  const first = argv[1]!;
  if (first === '-l' || first === '-L') return listSignals(sh, argv.slice(2));
  if (first === '-s' || first === '-n') {
    const text = argv[2];
    if (text === undefined) {
      await sh.complainAs('kill', `${first}: option requires an argument`);
      return 1;
    }
    const number = signalNumber(text);
    if (number === undefined) return badSignal(sh, text);
    signal = text === '0' ? 0 : number;
    i = 3;
  } else if (first === '--') i = 2;
  else if (/^-./.test(first)) {
    const text = first
      .replace(/^-[sn]?(?=.)/, (found) =>
        /^-[sn]./.test(first) && signalNumber(first.slice(1)) === undefined ? found : '-',
      )
      .slice(1);
    const number = signalNumber(text);
    if (number === undefined || (number === 0 && text !== '0')) return badSignal(sh, text);
    signal = number;
    i = 2;
  }
  if (argv[i] === '--') i++;
  if (i >= argv.length) return usage(sh, 'kill');
  let failed = 0;
  for (const target of argv.slice(i)) if (!(await killOne(sh, target, signal))) failed++;
  if (sh.proc.fatal !== undefined) throw sh.proc.fatal;
  return failed === 0 ? 0 : 1;
};

async function badSignal(sh: Shell, text: string): Promise<number> {
  await sh.complainAs('kill', `${text}: invalid signal specification`);
  return 1;
}

async function killOne(sh: Shell, target: string, signal: number): Promise<boolean> {
  if (target.startsWith('%')) {
    const job = findJob(sh, 'kill', target);
    if (job === undefined) return false;
    for (const proc of job.procs) sh.system.signal(proc, signal);
    return true;
  }
  if (!/^[-+]?\d+$/.test(target)) {
    await sh.complainAs('kill', `${target}: arguments must be process or job IDs`);
    return false;
  }
  const refused = sh.system.kill(sh.proc, Number(target), signal);
  if (refused === undefined) return true;
  await sh.complainAs('kill', `(${target}) - ${strerror(refused.errno)}`);
  return false;
}

function listSignals(sh: Shell, args: readonly string[]): number {
  let status = 0;
  let out = '';
  if (args.length === 0) out = signalTable();
  for (const arg of args) {
    if (/^\d+$/.test(arg)) {
      const n = Number(arg);
      const name = signalName(n > 128 ? n - 128 : n);
      if (name === undefined) {
        void sh.complainAs('kill', `${arg}: invalid signal specification`);
        status = 1;
      } else out += `${name}\n`;
    } else {
      const n = signalNumber(arg);
      if (n === undefined) {
        void sh.complainAs('kill', `${arg}: invalid signal specification`);
        status = 1;
      } else out += `${n}\n`;
    }
  }
  void sh.write(1, out);
  return status;
}

function signalTable(): string {
  let out = '';
  let column = 0;
  for (let n = 1; n <= 64; n++) {
    const name = signalName(n);
    if (name === undefined) continue;
    out += `${String(n).padStart(2)}) SIG${name}`;
    out += ++column % 5 === 0 ? '\n' : '\t';
  }
  return column % 5 === 0 ? out : `${out.slice(0, -1)}\t\n`;
}

export const fg: Builtin = async (sh, argv) => {
  if (!sh.interactive && !sh.options.has('monitor')) {
    await sh.complainAs('fg', 'no job control');
    return 1;
  }
  const job = argv[1] === undefined ? sh.jobs.current : findJob(sh, 'fg', argv[1]);
  if (job === undefined) {
    if (argv[1] === undefined) await sh.complainAs('fg', 'current: no such job');
    return 1;
  }
  await sh.write(1, `${job.command}\n`);
  for (const proc of job.procs) sh.system.signal(proc, 18);
  await waitUntil(sh, () => job.state === 'done' || sh.interruptPending);
  if (sh.interruptPending) {
    sh.interruptPending = false;
    for (const proc of job.procs) sh.system.signal(proc, 2);
    await waitUntil(sh, () => job.state === 'done');
  }
  sh.jobs.remove(job);
  return job.procs.at(-1)!.status;
};

export const bg: Builtin = async (sh, argv) => {
  if (!sh.interactive && !sh.options.has('monitor')) {
    await sh.complainAs('bg', 'no job control');
    return 1;
  }
  const job = argv[1] === undefined ? sh.jobs.current : findJob(sh, 'bg', argv[1]);
  if (job === undefined) {
    if (argv[1] === undefined) await sh.complainAs('bg', 'current: no such job');
    return 1;
  }
  for (const proc of job.procs) sh.system.signal(proc, 18);
  await sh.write(1, `[${job.number}]${sh.jobs.mark(job)} ${job.command} &\n`);
  return 0;
};

export const disown: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'ahr');
  if (options === undefined) return 2;
  const specs = argv.slice(options.next);
  const chosen: Job[] = [];
  let status = 0;
  if (options.flags.has('a') || (options.flags.has('r') && specs.length === 0)) chosen.push(...sh.jobs.all);
  else if (specs.length === 0) {
    if (sh.jobs.current === undefined) {
      void sh.complainAs('disown', 'current: no such job');
      return 1;
    }
    chosen.push(sh.jobs.current);
  }
  for (const spec of specs) {
    const job = spec.startsWith('%') ? sh.jobs.find(spec) : sh.jobs.byPid(Number(spec));
    if (job === undefined || job === 'ambiguous') {
      void sh.complainAs('disown', `${spec}: no such job`);
      status = 1;
    } else chosen.push(job);
  }
  for (const job of chosen) {
    if (options.flags.has('h')) job.keptOnHangup = true;
    else sh.jobs.remove(job);
  }
  return status;
};

const PSEUDO = ['EXIT', 'DEBUG', 'ERR', 'RETURN'];

/** The name under which a trap is kept; undefined for what is no signal. */
function trapKey(text: string): string | undefined {
  if (text === '0') return 'EXIT';
  const upper = text.toUpperCase();
  if (PSEUDO.includes(upper)) return upper;
  const number = signalNumber(text);
  return number === undefined ? undefined : signalName(number);
}

export const trap: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'lp');
  if (options === undefined) return 2;
  if (options.flags.has('l')) {
    void sh.write(1, signalTable());
    return 0;
  }
  const args = argv.slice(options.next);
  if (options.flags.has('p') || args.length === 0) return listTraps(sh, args);
  const onlySignal = args.length === 1;
  const text = onlySignal ? '-' : args[0]!;
  const reset = text === '-' || (/^\d+$/.test(text) && trapKey(text) !== undefined && !onlySignal);
  if (onlySignal && trapKey(args[0]!) === undefined) {
    void sh.write(2, 'trap: usage: trap [-lp] [[arg] signal_spec ...]\n');
    return 2;
  }
  const names = onlySignal || (reset && text !== '-') ? args : args.slice(1);
  let status = 0;
  if (sh.inheritedTraps.size > 0) sh.inheritedTraps.clear();
  for (const given of names) {
    const name = trapKey(given);
    if (name === undefined) {
      void sh.complainAs('trap', `${given}: invalid signal specification`);
      status = 1;
      continue;
    }
    if (reset) sh.traps.delete(name);
    else sh.traps.set(name, text);
    setTrapHandler(sh, name, reset ? undefined : text);
  }
  return status;
};

function listTraps(sh: Shell, args: readonly string[]): number {
  const all = sh.traps.size === 0 && sh.inheritedTraps.size > 0 ? sh.inheritedTraps : sh.traps;
  const order = (name: string) =>
    name === 'EXIT' ? 0 : (signalNumber(name) ?? 100 + ['DEBUG', 'ERR', 'RETURN'].indexOf(name));
  let status = 0;
  let names = [...all.keys()].sort((a, b) => order(a) - order(b));
  if (args.length > 0) {
    names = [];
    for (const arg of args) {
      const name = trapKey(arg);
      if (name === undefined) {
        void sh.complainAs('trap', `${arg}: invalid signal specification`);
        status = 1;
      } else if (all.has(name)) names.push(name);
    }
  }
  let out = '';
  for (const name of names) {
    const shown = PSEUDO.includes(name) ? name : `SIG${name}`;
    out += `trap -- ${quoteSingle(all.get(name)!)} ${shown}\n`;
  }
  void sh.write(1, out);
  return status;
}

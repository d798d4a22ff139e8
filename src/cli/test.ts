/** `hairpin test`: labs as tests, several at a time. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { isDocument } from './lab.ts';
import { HELP, parseTest, type TestOptions, UsageError } from './options.ts';
import { jsonReporter, junitReporter, type Reporter, tapReporter, textReporter } from './reporters.ts';
import { makeStyle, styleFor } from './style.ts';
import { expectedOutputOf, type LabReport, type LabTask, testLab } from './test-lab.ts';
import { usageText } from './usage.ts';
import { WORKER_ARGUMENT } from './worker.ts';

const CONSOLE_BLOCK = /^[ \t]*(```+|~~~+)[ \t]*console\b/m;

export async function test(argv: readonly string[]): Promise<number> {
  const options = parseTest(argv);
  if (options === HELP) {
    process.stdout.write(usageText('test')!);
    return 0;
  }
  const paths = findLabs(options.paths.length > 0 ? options.paths : [existsSync('labs') ? 'labs' : '.']);
  if (paths.length === 0) throw new UsageError('no lab was found', 'test');
  const reporter = reporterFor(options);
  const write = (text: string) => {
    if (text !== '') process.stdout.write(text);
  };
  const startedAt = performance.now();
  write(reporter.begin(paths.length));
  const { on, against, seed, budget, update } = options;
  const tasks = paths.map((path) => ({ path, on, against, seed, budget, update }));
  const jobs = Math.min(options.jobs ?? availableParallelism(), tasks.length);
  const reports = await runAll(tasks, jobs, (report) => write(reporter.lab(report)));
  reports.sort((a, b) => paths.indexOf(a.path) - paths.indexOf(b.path));
  write(reporter.end(reports, performance.now() - startedAt));
  return reports.every((report) => report.passed) ? 0 : 1;
}

function reporterFor({ reporter }: TestOptions): Reporter {
  switch (reporter) {
    case 'json':
      return jsonReporter();
    case 'junit':
      return junitReporter(makeStyle(false));
    case 'tap':
      return tapReporter(makeStyle(false));
    default:
      return textReporter(styleFor(process.stdout, process.env));
  }
}

/** The labs among these files and below these folders, in order of their paths. */
export function findLabs(paths: readonly string[]): string[] {
  const found = new Set<string>();
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) throw new UsageError(`${path}: no such file or folder`, 'test');
    if (stat.isDirectory()) for (const lab of labsBelow(path)) found.add(lab);
    else found.add(path);
  }
  return [...found];
}

function labsBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory())
        return entry.name.startsWith('.') || entry.name === 'node_modules' ? [] : labsBelow(path);
      if (isDocument(path, '')) return CONSOLE_BLOCK.test(readFileSync(path, 'utf8')) ? [path] : [];
      return path.endsWith('.sh') && existsSync(expectedOutputOf(path)) ? [path] : [];
    });
}

async function runAll(
  tasks: readonly LabTask[],
  jobs: number,
  done: (report: LabReport) => void,
): Promise<LabReport[]> {
  const reports: LabReport[] = [];
  const queue = [...tasks];
  const finish = (report: LabReport) => {
    reports.push(report);
    done(report);
  };
  // Threads share no kernel: labs that need one booted for them run side by side in this one.
  if (jobs <= 1 || tasks.some(({ on, against }) => on === 'uml' || against.includes('uml'))) {
    const work = async () => {
      for (let task = queue.shift(); task !== undefined; task = queue.shift()) finish(await testLab(task));
    };
    await Promise.all(Array.from({ length: jobs }, work));
    return reports;
  }
  await Promise.all(Array.from({ length: jobs }, () => runWorker(queue, finish)));
  return reports;
}

/** One thread, working through the queue until it is empty. */
function runWorker(queue: LabTask[], finish: (report: LabReport) => void): Promise<void> {
  const here = import.meta.url;
  const entry = new URL(here.endsWith('/hairpin.js') ? '../bin/hairpin.js' : './main.js', here);
  const worker = new Worker(entry, { argv: [WORKER_ARGUMENT] });
  return new Promise((resolve, reject) => {
    let current: LabTask | undefined;
    const next = () => {
      current = queue.shift();
      if (current !== undefined) worker.postMessage(current);
      else void worker.terminate().then(() => resolve());
    };
    worker.on('message', (report: LabReport) => {
      finish(report);
      next();
    });
    worker.on('error', (error) => {
      reject(new Error(`${current?.path ?? 'worker'}: ${error.message}`, { cause: error }));
    });
    next();
  });
}

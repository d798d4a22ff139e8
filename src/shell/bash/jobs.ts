/** The job table of one shell. */
import type { Proc } from '../process/proc.ts';

export interface Job {
  number: number;
  /** Members of the pipeline, in order. */
  procs: Proc[];
  command: string;
  /** Status once the last member has ended. */
  state: 'running' | 'stopped' | 'done';
  /** The user was told of its end. */
  notified: boolean;
  /** `disown`ed with -h, or started by a subshell. */
  keptOnHangup: boolean;
  pgid: number;
}

export class Jobs {
  private list: Job[] = [];
  /** `%+` and `%-`. */
  current: Job | undefined = undefined;
  previous: Job | undefined = undefined;
  /** Statuses of ended background processes that may still be waited for. */
  readonly ended: Map<number, number> = new Map();
  /** Members of jobs that have ended since the user was last told. */
  readonly finished: Proc[] = [];

  /** The parent's table, which `jobs` lists in a substitution or a simple command of a pipeline while there are no jobs of its own. */
  private inherited: Jobs | undefined = undefined;

  /** Process substitutions, which `wait $!` may wait for. */
  readonly substitutions: Map<number, Proc> = new Map();

  add(procs: Proc[], command: string): Job {
    const number = (this.list.at(-1)?.number ?? 0) + 1;
    const pgid = procs[0]!.pgid;
    const job: Job = { number, procs, command, state: 'running', notified: false, keptOnHangup: false, pgid };
    this.list.push(job);
    this.choose();
    return job;
  }

  get all(): readonly Job[] {
    return this.list;
  }

  /** What `jobs` lists. */
  get listed(): readonly Job[] {
    return this.list.length === 0 && this.inherited !== undefined ? this.inherited.listed : this.list;
  }

  inherit(parent: Jobs): void {
    this.inherited = parent;
  }

  /** Choose the current job anew: a stopped one, or else the newest that runs; and one before it. */
  private choose(): void {
    const stopped = (job: Job | undefined) => job?.procs.some((proc) => proc.stopped) === true;
    const running = (before: Job | undefined) =>
      this.list.findLast(
        (job) => job.state === 'running' && !stopped(job) && (before === undefined || job.number < before.number),
      );
    const { current, previous } = this;
    const next = [current, previous].find(stopped) ?? this.list.findLast(stopped) ?? running(undefined);
    this.current = next;
    if (next === undefined) this.previous = undefined;
    else if (current !== undefined && current !== next && stopped(current)) this.previous = current;
    else this.previous = running(next) ?? next;
  }

  byNumber(number: number | undefined): Job | undefined {
    return this.list.find((job) => job.number === number);
  }

  byPid(pid: number): Job | undefined {
    return this.list.find((job) => job.procs.some((proc) => proc.pid === pid));
  }

  remove(job: Job): void {
    this.list = this.list.filter((other) => other !== job);
    if (job === this.current || job === this.previous) this.choose();
  }

  clear(): void {
    this.list = [];
    this.current = undefined;
    this.previous = undefined;
  }

  /** `%1`, `%+`, `%-`, `%name`, `%?text`; 'ambiguous' when several fit. */
  find(spec: string): Job | undefined | 'ambiguous' {
    const body = spec.startsWith('%') ? spec.slice(1) : spec;
    if (body === '' || body === '%' || body === '+') return this.current;
    if (body === '-') return this.previous ?? this.current;
    if (/^\d+$/.test(body)) return this.byNumber(Number(body));
    const matches = this.list.filter((job) =>
      body.startsWith('?') ? job.command.includes(body.slice(1)) : job.command.startsWith(body),
    );
    return matches.length > 1 ? 'ambiguous' : matches[0];
  }

  /** `+` for the current job, `-` for the previous one. */
  mark(job: Job): string {
    if (this.list.length === 0 && this.inherited !== undefined) return this.inherited.mark(job);
    return job === this.current ? '+' : job === this.previous ? '-' : ' ';
  }
}

/** Telling labs apart and running one, for `run`, `test` and `shell` alike. */
import type { KernelConfig } from '../kernel/core/kernel.ts';
import type { Backend, Clock, LabMachine, Limits, Sink, TerminalMachine } from '../lab/backend.ts';
import { twin } from '../lab/twin-backend.ts';
import type { TwinStartOptions } from '../lab/twin-machine.ts';
import { kernel } from '../linux/kernel-backend.ts';
import { configOf } from '../linux/probe.ts';
import { uml } from '../linux/uml-backend.ts';
import { BackendUnavailable } from '../linux/unavailable.ts';
import { hostFolder } from './folder.ts';
import { type BackendName, type Budget, UsageError } from './options.ts';

const NANOSECONDS = 1e9;

/** Whether a lab is a document: by its name, or, for standard input, by what is in it. */
export function isDocument(path: string, text: string): boolean {
  if (path === '-') return !text.startsWith('#!') && /^[ \t]*(```+|~~~+)[ \t]*console\b/m.test(text);
  return /\.(md|markdown)$/i.test(path);
}

/** The budget in the backend's units. */
export function limitsOf(budget: Budget): Limits {
  return { ...budget, time: budget.time * NANOSECONDS };
}

/** The host's monotonic clock. */
export const hostClock: Clock = {
  now: () => Number(process.hrtime.bigint()),
  wait: (ns) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ns / 1e6))),
};

/** Let the host's events (Ctrl-C, output) through. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A fresh twin for the lab in `folder`. */
export async function startTwin(
  folder: string,
  sink: Sink,
  options: Omit<TwinStartOptions, 'folder' | 'sink' | 'breathe'>,
): Promise<TerminalMachine> {
  return twin.start({ ...options, sink, folder: hostFolder(folder), breathe });
}

/** A fresh machine of a backend for the lab in `folder`. */
export async function startMachine(
  on: BackendName,
  folder: string,
  sink: Sink,
  options: Omit<TwinStartOptions, 'folder' | 'sink' | 'breathe'>,
): Promise<LabMachine> {
  if (on === 'twin') return startTwin(folder, sink, options);
  return withUsageError(on, async () => KERNELS[on].start({ ...options, sink, folder: hostFolder(folder), breathe }));
}

/** How a backend's kernel is built. */
export async function configOfKernel(on: 'kernel' | 'uml'): Promise<KernelConfig> {
  return withUsageError(on, async () => configOf(KERNELS[on]));
}

async function withUsageError<T>(on: BackendName, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BackendUnavailable) throw new UsageError(`--on ${on}: ${error.message}`);
    throw error;
  }
}

const KERNELS: Readonly<Record<'kernel' | 'uml', Backend>> = { kernel, uml };

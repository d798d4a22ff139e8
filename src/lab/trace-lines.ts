/** The trace as JSON lines: what `--trace` writes. One step of one frame on each line. */
import { dropReasonText } from '../kernel/core/drop-reason.ts';
import type { Kernel } from '../kernel/core/kernel.ts';
import type { NetNamespace } from '../kernel/core/net-namespace.ts';
import type { NetDevice } from '../kernel/core/netdevice.ts';
import {
  TRACE_ALLOC,
  TRACE_CLONE,
  TRACE_DELIVER,
  TRACE_END,
  TRACE_FIB,
  TRACE_HANDLER,
  TRACE_HOOK,
  TRACE_KIND_NAMES,
  TRACE_NEIGH,
  TRACE_NO_COPY,
  TRACE_RECEIVE,
  type TraceRecord,
} from '../kernel/core/trace.ts';

const PACKET_TYPES = ['host', 'broadcast', 'multicast', 'otherhost', 'outgoing'];
const HANDLER_RESULTS = ['consumed', 'another', 'exact', 'pass'];
const HOOKS: Readonly<Record<number, readonly string[]>> = {
  2: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  7: ['PRE_ROUTING', 'LOCAL_IN', 'FORWARD', 'LOCAL_OUT', 'POST_ROUTING', 'BROUTING'],
};
const VERDICTS = ['DROP', 'ACCEPT', 'STOLEN', 'QUEUE', 'REPEAT'];
const NUD_STATES: Readonly<Record<number, string>> = {
  0: 'NONE',
  1: 'INCOMPLETE',
  2: 'REACHABLE',
  4: 'STALE',
  8: 'DELAY',
  16: 'PROBE',
  32: 'FAILED',
  64: 'NOARP',
  128: 'PERMANENT',
};

/** A step of a frame, with names in place of numbers. */
export interface TraceStep {
  /** Nanoseconds since boot. */
  time: number;
  /** alloc, clone, xmit, receive, handler, hook, fib, neigh, no-copy, end, deliver. */
  step: string;
  /** Number of the frame; a clone has its own. */
  frame: number;
  /** The device, and the name of its namespace unless that is the first one. */
  dev?: string;
  netns?: string;
  /** What belongs to the kind of step: `parent`, `reason`, `location`, `result`, `hook`, `verdict`, `state` ... */
  [detail: string]: unknown;
}

export class TraceCollector {
  readonly #kernel: Kernel;
  readonly #nameOf: (net: NetNamespace) => string | undefined;
  readonly #devices = new Map<number, { dev: string; net: NetNamespace }>();
  readonly #steps: TraceStep[] = [];
  readonly #sink: ((step: TraceStep) => void) | undefined;

  /** Steps go to `sink`, or are kept for {@link steps}. */
  constructor(kernel: Kernel, nameOf: (net: NetNamespace) => string | undefined, sink?: (step: TraceStep) => void) {
    this.#kernel = kernel;
    this.#nameOf = nameOf;
    this.#sink = sink;
    for (const net of kernel.namespaces) for (const dev of net.devices.values()) this.#name(dev);
    kernel.registerNotifier({
      name: 'trace collector',
      priority: 100,
      call: (event, dev) => {
        if (event !== 'REGISTER' && event !== 'UNREGISTER' && event !== 'CHANGENAME') return 0;
        if (this.#kernel.trace.on) this.#drain();
        this.#name(dev);
        return 0;
      },
    });
  }

  /** Record from now on. */
  start(): void {
    const { trace } = this.#kernel;
    trace.drain();
    trace.onFull = () => this.#drain();
    trace.on = true;
  }

  /** The steps so far, unless they went to a sink. */
  get steps(): readonly TraceStep[] {
    if (this.#kernel.trace.on) this.#drain();
    return this.#steps;
  }

  /** No further steps are recorded. */
  stop(): void {
    if (!this.#kernel.trace.on) return;
    this.#drain();
    this.#kernel.trace.on = false;
    this.#kernel.trace.onFull = undefined;
  }

  #name(dev: NetDevice): void {
    this.#devices.set(dev.uid, { dev: dev.name, net: dev.net });
  }

  #drain(): void {
    for (const record of this.#kernel.trace.drain()) {
      const step = this.#describe(record);
      if (this.#sink === undefined) this.#steps.push(step);
      else this.#sink(step);
    }
  }

  #describe(record: TraceRecord): TraceStep {
    const step: TraceStep = { time: record.time, step: TRACE_KIND_NAMES[record.kind] ?? '?', frame: record.skb };
    const device = this.#devices.get(record.dev);
    if (device !== undefined) {
      step.dev = device.dev;
      const netns = this.#nameOf(device.net);
      if (netns !== undefined) step.netns = netns;
    }
    return Object.assign(step, details(record));
  }
}

/** The trace as text, a JSON object on each line. */
export function traceLines(steps: readonly TraceStep[]): string {
  return steps.map((step) => `${JSON.stringify(step)}\n`).join('');
}

function details({ kind, arg, note }: TraceRecord): Record<string, unknown> {
  const noted = note === '' ? {} : { note };
  switch (kind) {
    case TRACE_ALLOC:
      return { origin: note };
    case TRACE_CLONE:
      return { parent: arg };
    case TRACE_RECEIVE:
      return { for: PACKET_TYPES[arg] ?? arg };
    case TRACE_HANDLER:
      return { result: HANDLER_RESULTS[arg] ?? arg };
    case TRACE_HOOK: {
      const pf = arg >>> 16;
      const hook = (arg >>> 8) & 0xff;
      const verdict = arg & 0xff;
      return { hook: HOOKS[pf]?.[hook] ?? hook, by: note, verdict: VERDICTS[verdict] ?? verdict };
    }
    case TRACE_FIB:
      return arg === 0 ? { route: note } : { error: arg, route: note };
    case TRACE_NEIGH:
      return { state: NUD_STATES[arg] ?? arg, ...noted };
    case TRACE_DELIVER:
      return { to: note, type: `0x${arg.toString(16).padStart(4, '0')}` };
    case TRACE_NO_COPY:
      return { why: note };
    case TRACE_END: {
      const [, location, words] = /^([^:]*)(?:: (.*))?$/s.exec(note) ?? [];
      return { reason: dropReasonText(arg), location, ...(words === undefined ? {} : { note: words }) };
    }
    default:
      return noted;
  }
}

/**
 * The settings of a neighbour table, by device: net.ipv4.neigh.<device>.*. Times are nanoseconds.
 */
import type { Random } from '../../sim/random.ts';
import type { NetDevice } from './netdevice.ts';

const SECOND = 1e9;

/** Indices of {@link NeighParms.data} (enum NEIGH_VAR_*). */
export const NEIGH_VAR_MCAST_PROBES = 0;
export const NEIGH_VAR_UCAST_PROBES = 1;
export const NEIGH_VAR_APP_PROBES = 2;
export const NEIGH_VAR_MCAST_REPROBES = 3;
export const NEIGH_VAR_RETRANS_TIME = 4;
export const NEIGH_VAR_BASE_REACHABLE_TIME = 5;
export const NEIGH_VAR_DELAY_PROBE_TIME = 6;
export const NEIGH_VAR_INTERVAL_PROBE_TIME = 7;
export const NEIGH_VAR_GC_STALETIME = 8;
export const NEIGH_VAR_QUEUE_LEN_BYTES = 9;
export const NEIGH_VAR_PROXY_QLEN = 10;
export const NEIGH_VAR_ANYCAST_DELAY = 11;
export const NEIGH_VAR_PROXY_DELAY = 12;
export const NEIGH_VAR_LOCKTIME = 13;

/** What arp_tbl and nd_tbl begin with. */
export const NEIGH_DEFAULTS: readonly number[] = [
  3,
  3,
  0,
  0,
  SECOND,
  30 * SECOND,
  5 * SECOND,
  5 * SECOND,
  60 * SECOND,
  212992,
  64,
  SECOND,
  0.8 * SECOND,
  SECOND,
];

/** How long a drawn reachable time is kept before another is drawn (neigh_periodic_work). */
const RAND_INTERVAL = 300 * SECOND;

/** The settings of one device, or a table's defaults for devices to come. */
export class NeighParms {
  readonly dev: NetDevice | undefined;
  /** Shared with the defaults it was made from until one of them is set. */
  private values: readonly number[];
  private shared = true;
  /** Bit 1 << NEIGH_VAR_* for what was set for this device: it no longer follows the defaults. */
  set = 0;
  /** Requests that wait for their proxied answer. */
  qlen = 0;
  private readonly random: Random;
  private drawn = 0;
  private epoch = 0;

  constructor(dev: NetDevice | undefined, data: readonly number[], random: Random) {
    this.dev = dev;
    this.values = data;
    this.random = random;
    this.drawn = this.draw();
  }

  /** Settings for a device that begin like these. */
  copyFor(dev: NetDevice): NeighParms {
    this.shared = true;
    return new NeighParms(dev, this.values, this.random);
  }

  get data(): readonly number[] {
    return this.values;
  }

  /** Change a value; whether it still follows the defaults is not touched. */
  put(index: number, value: number): void {
    if (this.shared) this.values = [...this.values];
    this.shared = false;
    (this.values as number[])[index] = value;
  }

  get mcastProbes(): number {
    return this.data[NEIGH_VAR_MCAST_PROBES]!;
  }
  get ucastProbes(): number {
    return this.data[NEIGH_VAR_UCAST_PROBES]!;
  }
  get appProbes(): number {
    return this.data[NEIGH_VAR_APP_PROBES]!;
  }
  get mcastReprobes(): number {
    return this.data[NEIGH_VAR_MCAST_REPROBES]!;
  }
  /** Never under a hundredth of a second. */
  get retransTime(): number {
    return Math.max(this.data[NEIGH_VAR_RETRANS_TIME]!, SECOND / 100);
  }
  get baseReachableTime(): number {
    return this.data[NEIGH_VAR_BASE_REACHABLE_TIME]!;
  }
  get delayProbeTime(): number {
    return this.data[NEIGH_VAR_DELAY_PROBE_TIME]!;
  }
  get gcStaletime(): number {
    return this.data[NEIGH_VAR_GC_STALETIME]!;
  }
  get queueLenBytes(): number {
    return this.data[NEIGH_VAR_QUEUE_LEN_BYTES]!;
  }
  get proxyQlen(): number {
    return this.data[NEIGH_VAR_PROXY_QLEN]!;
  }
  get proxyDelay(): number {
    return this.data[NEIGH_VAR_PROXY_DELAY]!;
  }
  get locktime(): number {
    return this.data[NEIGH_VAR_LOCKTIME]!;
  }

  /**
   * How long a confirmation holds: between half and one and a half of the base, drawn anew every five
   * minutes. The kernel draws by a periodic work; here it is done when somebody asks, so that an idle
   * machine has no timer.
   * @kernel net/core/neighbour.c neigh_periodic_work #P[draws on demand]
   */
  reachableTime(now: number): number {
    const epoch = Math.floor(now / RAND_INTERVAL);
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.drawn = this.draw();
    }
    return this.drawn;
  }

  /** The base changed: the new one holds at once. */
  redraw(): void {
    this.drawn = this.draw();
  }

  /** @kernel net/core/neighbour.c neigh_rand_reach_time */
  private draw(): number {
    const base = this.baseReachableTime;
    return base > 0 ? Math.floor((this.random.u32() / 0x1_0000_0000) * base) + base / 2 : 0;
  }
}

/** Captures on every interface of a machine, as pcapng files: what `--pcap` writes. */
import { pcapngInterface, pcapngPacket, pcapngSection } from '../capture/pcapng.ts';
import type { Kernel } from '../kernel/core/kernel.ts';
import type { NetNamespace } from '../kernel/core/net-namespace.ts';
import type { NetDevice } from '../kernel/core/netdevice.ts';
import { devAddPack, type PacketTap } from '../kernel/core/packet-type.ts';
import type { SkBuff } from '../kernel/core/skbuff.ts';
import { ETH_P_ALL, IFF_LOOPBACK, PACKET_LOOPBACK } from '../uapi/if.ts';
import { concat } from './bytes.ts';
import { frameOf } from './frame.ts';
import type { InterfaceFrames } from './observation.ts';

const DLT_EN10MB = 1;
const SNAPLEN = 262_144;
/** Octets that a frame takes beside its own. */
const FRAME_COST = 100;

/** A file for the host to write. */
export interface Artifact {
  name: string;
  data: Uint8Array;
}

/** The frames one device saw while it was in one namespace. */
interface Recorded {
  dev: NetDevice;
  net: NetNamespace;
  name: string;
  namespace: string | undefined;
  frames: RecordedFrame[];
}

interface RecordedFrame {
  /** Nanoseconds since boot. */
  time: number;
  outgoing: boolean;
  data: Uint8Array;
}

export class InterfaceRecorder {
  readonly #kernel: Kernel;
  readonly #bootTime: number;
  readonly #nameOf: (net: NetNamespace) => string | undefined;
  readonly #limit: number;
  #all: Recorded[] = [];
  readonly #current = new Map<NetDevice, Recorded>();
  #bytes = 0;

  /**
   * Record from now on. `nameOf` gives a namespace's name in /run/netns, undefined for the first
   * one; `limit` is how many bytes are kept before further frames are passed over.
   */
  constructor(
    kernel: Kernel,
    bootTime: number,
    nameOf: (net: NetNamespace) => string | undefined,
    limit = 512 * 1024 * 1024,
  ) {
    this.#kernel = kernel;
    this.#bootTime = bootTime;
    this.#nameOf = nameOf;
    this.#limit = limit;
    for (const net of kernel.namespaces) for (const dev of net.devices.values()) this.#attach(dev);
    kernel.registerNotifier({
      name: 'interface recorder',
      priority: 100,
      call: (event, dev) => {
        if (event === 'REGISTER') this.#attach(dev);
        else if (event === 'UNREGISTER' || event === 'CHANGENAME') this.#note(dev);
        return 0;
      },
    });
  }

  /** Whether frames were passed over because the limit was reached. */
  get full(): boolean {
    return this.#bytes >= this.#limit;
  }

  /** One file for each namespace and interface, `NETNS-INTERFACE.pcapng`; without NETNS for the first. */
  files(): Artifact[] {
    return [...this.#byPlace()].map(([stem, parts]) => ({
      name: `${stem.replaceAll('/', '_')}.pcapng`,
      data: concat([
        pcapngSection('hairpin'),
        pcapngInterface(DLT_EN10MB, SNAPLEN, parts[0]!.name),
        ...parts.flatMap(({ frames }) =>
          frames.map(({ time, outgoing, data }) =>
            pcapngPacket(
              0,
              BigInt(this.#bootTime) + BigInt(Math.floor(time)),
              data.length,
              data,
              outgoing ? 'out' : 'in',
            ),
          ),
        ),
      ]),
    }));
  }

  /** The same as data, for the namespaces that have a name. */
  interfaces(): InterfaceFrames[] {
    const named = [...this.#byPlace().values()].filter(([part]) => !/^netns-\d+$/.test(part!.namespace ?? ''));
    return named.map((parts) => ({
      ...(parts[0]!.namespace === undefined ? {} : { namespace: parts[0]!.namespace }),
      device: parts[0]!.name,
      since: [0],
      frames: parts.flatMap(({ frames }) => frames),
    }));
  }

  /** What was recorded under the same namespace and name; a loopback device that was silent is not worth a file. */
  #byPlace(): Map<string, Recorded[]> {
    for (const dev of this.#current.keys()) this.#note(dev);
    const merged = new Map<string, Recorded[]>();
    for (const recorded of this.#all) {
      if (recorded.frames.length === 0 && recorded.name === 'lo') continue;
      const stem = recorded.namespace === undefined ? recorded.name : `${recorded.namespace}-${recorded.name}`;
      merged.set(stem, [...(merged.get(stem) ?? []), recorded]);
    }
    return merged;
  }

  #attach(dev: NetDevice): void {
    const known = this.#current.get(dev);
    // A device that only passed through on its way to its namespace leaves nothing behind.
    if (known?.frames.length === 0) this.#all = this.#all.filter((recorded) => recorded !== known);
    const recorded: Recorded = { dev, net: dev.net, name: dev.name, namespace: this.#nameOf(dev.net), frames: [] };
    this.#current.set(dev, recorded);
    this.#all.push(recorded);
    if (known !== undefined) return;
    const tap: PacketTap = {
      protocol: ETH_P_ALL,
      dev,
      sk: this,
      ignoreOutgoing: false,
      isObserver: true,
      receive: (skb, _dev, outgoing) => this.#record(dev, skb, outgoing),
    };
    devAddPack(dev, tap);
  }

  /** Remember what the device is called, and its namespace, before either is gone. */
  #note(dev: NetDevice): void {
    const recorded = this.#current.get(dev);
    if (recorded === undefined) return;
    recorded.name = dev.name;
    recorded.namespace = this.#nameOf(recorded.net) ?? recorded.namespace;
  }

  #record(dev: NetDevice, skb: SkBuff, outgoing: boolean): void {
    const recorded = this.#current.get(dev);
    // A copy of a broadcast of our own has no link-layer header, and was recorded as it went out.
    if (recorded === undefined || this.full || skb.pktType === PACKET_LOOPBACK) return;
    // As libpcap does: what goes out of a loopback device comes in at once.
    if (outgoing && (dev.flags & IFF_LOOPBACK) !== 0) return;
    const data = frameOf(skb, outgoing);
    recorded.frames.push({ time: skb.tstamp === 0 ? this.#kernel.queue.now : skb.tstamp, outgoing, data });
    this.#bytes += data.length + FRAME_COST;
  }
}

/** A capture on one interface, for programs that use the library: frames as data, as text, as a file. */
import { DEFAULT_PRINT_OPTIONS, type PrintOptions } from '../capture/dissection.ts';
import { compileFilter, matchesPacket } from '../capture/filter/compile.ts';
import { pcapngInterface, pcapngPacket, pcapngSection } from '../capture/pcapng.ts';
import { PacketPrinter } from '../capture/print.ts';
import { TcpConversations } from '../capture/tcp-conversations.ts';
import type { NetDevice } from '../kernel/core/netdevice.ts';
import { devAddPack, devRemovePack, type PacketTap } from '../kernel/core/packet-type.ts';
import { ETH_P_ALL } from '../uapi/if.ts';
import { concat } from './bytes.ts';
import { frameOf } from './frame.ts';

const DLT_EN10MB = 1;
const SNAPLEN = 262_144;
const SECOND = 1_000_000_000;

/** A frame as it passed the interface, VLAN tag included. */
export interface CapturedFrame {
  /** Nanoseconds since boot. */
  time: number;
  direction: 'in' | 'out';
  data: Uint8Array;
}

/** A filter expression that tcpdump would refuse; the message is libpcap's. */
export class FilterSyntaxError extends Error {}

export class FrameCapture {
  /** The frames so far, oldest first. */
  readonly frames: CapturedFrame[] = [];
  readonly #dev: NetDevice;
  readonly #bootTime: number;
  readonly #tap: PacketTap;

  /** @internal Made by `Twin.capture`. */
  constructor(dev: NetDevice, bootTime: number, filter: string) {
    this.#dev = dev;
    this.#bootTime = bootTime;
    const compiled = compileFilter(filter, { dlt: DLT_EN10MB, snaplen: SNAPLEN, live: false });
    if ('error' in compiled) throw new FilterSyntaxError(compiled.error);
    const { program } = compiled;
    this.#tap = {
      protocol: ETH_P_ALL,
      dev,
      sk: this,
      ignoreOutgoing: false,
      isObserver: true,
      receive: (skb, _dev, outgoing) => {
        const data = frameOf(skb, outgoing);
        if (!matchesPacket(program, data, data.length)) return;
        const time = skb.tstamp === 0 ? skb.kernel.queue.now : skb.tstamp;
        this.frames.push({ time, direction: outgoing ? 'out' : 'in', data });
      },
    };
    devAddPack(dev, this.#tap);
  }

  /** Record no more; the frames so far stay. */
  stop(): void {
    devRemovePack(this.#dev, this.#tap);
  }

  /** What tcpdump prints for each frame. The options are its flags; `-n` and `-t` (no time) are on unless said otherwise. */
  lines(options: Partial<PrintOptions> = {}): string[] {
    const context = {
      options: { ...DEFAULT_PRINT_OPTIONS, n: 1, t: 1, ...options },
      hostName: () => undefined,
      interfaceName: () => undefined,
      conversations: new TcpConversations(),
    };
    const printer = new PacketPrinter(context, DLT_EN10MB);
    return this.frames.map(({ time, data }, i) => {
      const at = this.#bootTime + time;
      const seconds = Math.floor(at / SECOND);
      const fraction = Math.floor((at - seconds * SECOND) / (context.options.precision === 'micro' ? 1000 : 1));
      return printer.print({ seconds, fraction, length: data.length, data }, i + 1).trimEnd();
    });
  }

  /** The frames as a pcapng file. */
  pcapng(): Uint8Array {
    return concat([
      pcapngSection('hairpin'),
      pcapngInterface(DLT_EN10MB, SNAPLEN, this.#dev.name),
      ...this.frames.map(({ time, direction, data }) =>
        pcapngPacket(0, BigInt(this.#bootTime) + BigInt(Math.floor(time)), data.length, data, direction),
      ),
    ]);
  }
}

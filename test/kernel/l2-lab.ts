/** A small machine with the link layer only: devices, raw frames in, taps out. */

import { expect } from 'vitest';
import { registerVlan } from '../../src/kernel/8021q/vlan.ts';
import { registerBridge } from '../../src/kernel/bridge/bridge.ts';
import { devMcAdd } from '../../src/kernel/core/dev-rx-mode.ts';
import { devQueueXmit } from '../../src/kernel/core/dev-xmit.ts';
import { Kernel } from '../../src/kernel/core/kernel.ts';
import type { NetNamespace } from '../../src/kernel/core/net-namespace.ts';
import type { NetDevice } from '../../src/kernel/core/netdevice.ts';
import { devAddPack } from '../../src/kernel/core/packet-type.ts';
import { rtnlFdbDump } from '../../src/kernel/core/rtnl-fdb.ts';
import { rtnlDellink, rtnlNewlink } from '../../src/kernel/core/rtnl-link.ts';
import { consumeSkb, type SkBuff, skbFromBytes } from '../../src/kernel/core/skbuff.ts';
import { registerDummy } from '../../src/kernel/drivers/dummy.ts';
import { registerLoopback } from '../../src/kernel/drivers/loopback.ts';
import { registerMacvlan } from '../../src/kernel/drivers/macvlan.ts';
import { registerVeth } from '../../src/kernel/drivers/veth.ts';
import type { Ack } from '../../src/uapi/result.ts';
import {
  type BridgePortData,
  type LinkRequest,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NTF_SELF,
  NUD_PERMANENT,
} from '../../src/uapi/rtnetlink.ts';
import { formatMac, macAt, parseMac, putMac, putU16, u16At } from '../../src/wire/addr.ts';

/** An EtherType for local experiments (IEEE Std 802). */
export const ETH_P_TEST = 0x88b5;

/** `02:00:00:00:00:xx` by its last octet; anything longer is an address as it stands. */
export function mac(text: string): number {
  return parseMac(text.length > 2 ? text : `02:00:00:00:00:${text}`)!;
}

export class L2Lab {
  readonly kernel = new Kernel({ seed: 1 });
  net: NetNamespace;
  /** What each tapped device saw: `< dst src tag type` received, `> ...` sent. */
  readonly seen = new Map<string, string[]>();

  constructor() {
    for (const register of [
      registerLoopback,
      registerVeth,
      registerDummy,
      registerMacvlan,
      registerVlan,
      registerBridge,
    ]) {
      register(this.kernel);
    }
    this.kernel.packetHandlers.set(ETH_P_TEST, (skb) => consumeSkb(skb, 'test'));
    this.net = this.kernel.createNamespace();
    this.net.users++;
  }

  dev(name: string): NetDevice {
    const dev = this.net.devByName(name);
    if (dev === undefined) throw new Error(`no device ${name}`);
    return dev;
  }

  /** Make a link; `over` is the device below, `address` its last octet. */
  try(
    name: string,
    kind: string,
    data: object = {},
    options: { over?: string; address?: string; mtu?: number } = {},
  ): Ack {
    const request: LinkRequest = { ifname: name, linkinfo: { kind, data } };
    if (options.over !== undefined) request.link = this.dev(options.over).ifindex;
    if (options.address !== undefined) request.address = mac(options.address);
    if (options.mtu !== undefined) request.mtu = options.mtu;
    return rtnlNewlink(this.net, request, NLM_F_CREATE | NLM_F_EXCL);
  }

  link(...args: Parameters<L2Lab['try']>): NetDevice {
    expect(this.try(...args)).toBeUndefined();
    return this.dev(args[0]);
  }

  veth(name: string, peer: string, address: string, peerAddress: string): void {
    const data = { peer: { ifname: peer, address: mac(peerAddress) } };
    this.link(name, 'veth', data, { address });
  }

  set(name: string, request: LinkRequest): Ack {
    return rtnlNewlink(this.net, { ifindex: this.dev(name).ifindex, ...request }, 0);
  }

  up(...names: string[]): void {
    for (const name of names) expect(this.set(name, { flags: 1, change: 1 })).toBeUndefined();
    this.run(2);
  }

  down(name: string): void {
    expect(this.set(name, { flags: 0, change: 1 })).toBeUndefined();
    this.run(2);
  }

  del(name: string): void {
    expect(rtnlDellink(this.net, { ifindex: this.dev(name).ifindex })).toBeUndefined();
  }

  /** Settings of a bridge port. */
  port(name: string, slaveData: BridgePortData): Ack {
    return this.set(name, { linkinfo: { slaveKind: 'bridge', slaveData } });
  }

  enslave(name: string, master: string): Ack {
    return this.set(name, { master: this.dev(master).ifindex });
  }

  /** Let virtual seconds pass. */
  run(seconds: number): void {
    this.kernel.queue.runUntil(this.kernel.queue.now + seconds * 1e9);
  }

  /** A frame of the test's type, with as many tags as are given. */
  frame(destination: string, source: string, ...tags: number[]): Uint8Array {
    const bytes = new Uint8Array(60 + 4 * tags.length);
    putMac(bytes, 0, destination === 'ff' ? 0xffff_ffff_ffff : mac(destination));
    putMac(bytes, 6, mac(source));
    let at = 12;
    for (const tag of tags) {
      putU16(bytes, at, 0x8100);
      putU16(bytes, at + 2, tag);
      at += 4;
    }
    putU16(bytes, at, ETH_P_TEST);
    return bytes;
  }

  /** Send a frame by a device. */
  inject(name: string, bytes: Uint8Array): void {
    const skb = skbFromBytes(this.kernel, bytes, 'test');
    skb.dev = this.dev(name);
    skb.protocol = u16At(bytes, 12);
    devQueueXmit(skb);
  }

  /** Send a frame by a device, and let it arrive. */
  send(name: string, bytes: Uint8Array): void {
    this.inject(name, bytes);
    this.run(0.001);
  }

  /** End a frame that a test's own handler was given. */
  take(skb: SkBuff): void {
    consumeSkb(skb, 'test');
  }

  /** Join a group, as a protocol would. */
  join(name: string, group: string): void {
    devMcAdd(this.dev(name), mac(group));
  }

  /** {@link send} of a frame of the test's type. */
  say(name: string, destination: string, source: string, ...tags: number[]): void {
    this.send(name, this.frame(destination, source, ...tags));
  }

  /** Listen on devices from now on. */
  tap(...names: string[]): void {
    for (const name of names) {
      const lines: string[] = [];
      this.seen.set(name, lines);
      const dev = this.dev(name);
      devAddPack(dev, {
        protocol: 3,
        dev,
        sk: this,
        ignoreOutgoing: false,
        receive(skb, _dev, outgoing) {
          const at = skb.macHeader;
          const short = (address: number) => formatMac(address).replace('02:00:00:00:00:', '');
          const tag = skb.vlanTci < 0 ? '' : ` vlan ${skb.vlanTci & 0xfff}`;
          const type = u16At(skb.bytes, at + 12);
          const text = type === ETH_P_TEST ? '' : ` type ${type.toString(16)}`;
          lines.push(
            `${outgoing ? '>' : '<'} ${short(macAt(skb.bytes, at))} ${short(macAt(skb.bytes, at + 6))}${tag}${text}`,
          );
        },
      });
    }
  }

  /** What the devices saw since the last time, those that saw nothing left out. */
  heard(): Record<string, string[]> {
    const all = Object.fromEntries([...this.seen].filter(([, lines]) => lines.length > 0).map(([n, l]) => [n, [...l]]));
    for (const lines of this.seen.values()) lines.length = 0;
    return all;
  }

  /** Which of the tapped devices received the last frames, and how often: `a b*2`. */
  receivers(): string {
    return Object.entries(this.heard())
      .map(([name, lines]) => [name, lines.filter((line) => line.startsWith('<')).length] as const)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => (count === 1 ? name : `${name}*${count}`))
      .join(' ');
  }

  /** `address port state` of the database's entries that are not of a device's own lists. */
  fdb(): string[] {
    return rtnlFdbDump(this.net)
      .filter((entry) => (entry.flags & NTF_SELF) === 0)
      .map((entry) => {
        const address = formatMac(entry.lladdr).replace('02:00:00:00:00:', '');
        return `${address} ${this.net.devByIndex(entry.ifindex)?.name} ${entry.state === NUD_PERMANENT ? 'local' : entry.state === 0x40 ? 'static' : 'learned'}`;
      });
  }

  /** Every frame made has ended or rests in a queue. */
  expectNothingLost(): void {
    this.run(1.0005);
    expect({ lost: this.kernel.skbs.lost, ...this.kernel.skbs.restingByName() }).toEqual({
      lost: 0,
      backlog: 0,
      'macvlan broadcast': 0,
      neighbour: 0,
      reassembly: 0,
      other: 0,
    });
  }
}

/** Frames for comparisons with the real tcpdump: well-formed ones of every kind, and damaged ones, from a seed. */
import { putU16, putU32 } from '../../src/wire/addr.ts';
import { putArp } from '../../src/wire/arp.ts';
import { checksum, pseudoHeaderSum6 } from '../../src/wire/checksum.ts';
import { putEthernetHeader } from '../../src/wire/ethernet.ts';
import { putIcmpHeader } from '../../src/wire/icmp.ts';
import { putIgmp, putIgmpChecksum, putIgmpv3Record, putIgmpv3ReportHeader } from '../../src/wire/igmp.ts';
import { putIpv4Header } from '../../src/wire/ipv4.ts';
import { putTcpHeader } from '../../src/wire/tcp.ts';
import { putUdpHeader } from '../../src/wire/udp.ts';

/** A generator of whole numbers below `below`. */
export type Random = (below: number) => number;

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * below);
  };
}

const ADDRESSES = [0xc0a80902, 0xc0a80903, 0x0a8a243a, 0x0a8a2401, 0x6ef24442, 0x08080808, 0x00000000, 0x7f000001];
const MACS = [
  0x0200_0000_0001, 0x0200_0000_0002, 0x5254_0012_3456, 0xffff_ffff_ffff, 0x0100_5e00_0016, 0x0180_c200_0000,
];
/** Ports with protocols of their own, and ports without. */
const ALL_PORTS = [22, 53, 67, 68, 80, 123, 443, 514, 546, 1234, 4789, 5353, 5001, 40000, 65535, 0];

const ARPHRD_ATM = 19;

const PLAIN_PORTS = [7, 1234, 5001, 9999, 33434, 40000, 65535, 0];
const ALL_PROTOCOLS = [41, 47, 103, 132, 4, 50, 112, 253, 255];
const PLAIN_PROTOCOLS = [41, 4, 59, 77, 253, 255, 137, 142];
const ALL_ETHERTYPES = [0x88cc, 0x8847, 0x8863, 0x8864, 0x9000, 0x88b5, 0x8809, 0x4242, 0x05ff];
const PLAIN_ETHERTYPES = [0x88b5, 0x4242, 0x05ff, 0x6558];

export class FrameMaker {
  readonly random: Random;
  /** Only protocols that labs make, not every one that tcpdump knows. */
  private readonly plain: boolean;

  constructor(seed: number, plain = false) {
    this.random = seeded(seed);
    this.plain = plain;
  }

  private port(): number {
    return this.pick(this.plain ? PLAIN_PORTS : ALL_PORTS);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.random(from.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.random(256));
  }

  chance(oneIn: number): boolean {
    return this.random(oneIn) === 0;
  }

  /** An Ethernet frame around a payload, perhaps with VLAN tags. */
  ethernet(type: number, payload: Uint8Array): Uint8Array {
    const tags: number[] = [];
    while (this.chance(4) && tags.length < 2)
      tags.push((this.pick([0x8100, 0x88a8]) << 16) | this.pick([11, 12, 0x200b, 0x1001, 0]));
    const header = new Uint8Array(14 + 4 * tags.length);
    putEthernetHeader(header, 0, this.pick(MACS), this.pick(MACS.slice(0, 3)), type);
    for (const [index, tag] of tags.entries()) putU32(header, 12 + 4 * index, tag >>> 0);
    putU16(header, 12 + 4 * tags.length, type);
    return join(header, payload);
  }

  arp(): Uint8Array {
    const bytes = new Uint8Array(this.chance(2) ? 28 : 46);
    const op = this.chance(5) ? this.random(12) : 1 + this.random(2);
    const [a, b] = [this.pick(MACS), this.pick([0, ...MACS])];
    putArp(bytes, 0, op, a, this.pick(ADDRESSES), b, this.pick(ADDRESSES));
    if (this.chance(8)) bytes[this.random(8)] = this.random(256);
    if (this.plain && bytes[1] === ARPHRD_ATM) bytes[1] = 1;
    return bytes;
  }

  ipv4(protocol: number, payload: Uint8Array, source: number, destination: number): Uint8Array {
    const options = this.chance(8) ? this.ipOptions() : new Uint8Array(0);
    const header = new Uint8Array(20 + options.length);
    header.set(options, 20);
    const fragOff = this.chance(6)
      ? this.pick([0x2000, 0x0001, 0x2010, 0x00b9, 0x8000, 0x4000])
      : 0x4000 * this.random(2);
    const total = header.length + payload.length + (this.chance(12) ? this.random(40) - 20 : 0);
    const tos = this.pick([0, 0, 0, 0x10, 0xb8, 1, 3, 2]);
    putIpv4Header(
      header,
      0,
      source,
      destination,
      protocol,
      total & 0xffff,
      this.pick([1, 63, 64, 255, 0]),
      this.random(65536),
      fragOff,
      tos,
      options.length,
    );
    if (this.chance(10)) header[10]! ^= 1 + this.random(255);
    return join(header, payload);
  }

  private ipOptions(): Uint8Array {
    const choices = [
      [7, 11, 4, 10, 0, 0, 1, 0, 0, 0, 0, 0],
      [7, 15, 8, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0, 0],
      [68, 12, 5, 0, 0, 0, 0, 5, 0, 0, 0, 0],
      [68, 12, 13, 1, 10, 0, 0, 1, 0, 0, 0, 9],
      [148, 4, 0, 0],
      [131, 7, 4, 10, 0, 0, 1, 0],
      [137, 7, 8, 10, 0, 0, 1, 0],
      [1, 1, 1, 0],
      [130, 4, 0, 0],
      [99, 4, 1, 2],
      [7, 3, 4, 0],
      [7, 60, 4, 0],
    ];
    return Uint8Array.from(this.pick(choices));
  }

  ip(): Uint8Array {
    const [source, destination] = [this.pick(ADDRESSES), this.pick([...ADDRESSES, 0xe0000016, 0xe0000001, 0xffffffff])];
    switch (this.random(9)) {
      case 0:
      case 1:
        return this.ipv4(1, this.icmp(), source, destination);
      case 2:
        return this.ipv4(2, this.igmp(), source, destination);
      case 3:
      case 4:
        return this.ipv4(17, this.udp(source, destination), source, destination);
      case 5:
      case 6:
        return this.ipv4(6, this.tcp(source, destination), source, destination);
      case 7:
        return this.ipv4(
          this.pick(this.plain ? PLAIN_PROTOCOLS : ALL_PROTOCOLS),
          this.bytes(this.random(60)),
          source,
          destination,
        );
      default:
        return this.ipv4(4, this.ipv4(1, this.icmp(), source, destination), source, destination);
    }
  }

  udp(source: number, destination: number): Uint8Array {
    const data = this.bytes(this.random(80));
    const bytes = new Uint8Array(8 + data.length);
    bytes.set(data, 8);
    putUdpHeader(bytes, 0, bytes.length, this.port(), this.port(), source, destination);
    if (this.chance(6)) putU16(bytes, 6, this.pick([0, this.random(65536)]));
    if (this.chance(12)) putU16(bytes, 4, this.random(100));
    return bytes;
  }

  tcp(source: number, destination: number): Uint8Array {
    const options = this.tcpOptions();
    const data = this.chance(2) ? new Uint8Array(0) : this.bytes(this.random(60));
    const bytes = new Uint8Array(20 + options.length + data.length);
    bytes.set(options, 20);
    bytes.set(data, 20 + options.length);
    const flags = this.chance(3) ? this.random(256) : this.pick([2, 0x12, 0x10, 0x18, 0x11, 0x14, 4]);
    putTcpHeader(
      bytes,
      0,
      bytes.length,
      this.port(),
      this.port(),
      this.random(2 ** 32),
      this.random(2 ** 32),
      flags,
      this.random(65536),
      source,
      destination,
      options.length,
    );
    if (this.chance(8)) putU16(bytes, 16, this.random(65536));
    if (this.chance(10)) putU16(bytes, 18, this.random(65536));
    if (this.chance(10)) bytes[12] = this.random(256);
    return bytes;
  }

  private tcpOptions(): Uint8Array {
    const choices = [
      [],
      [],
      [2, 4, 5, 0xb4],
      [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 1, 2, 0, 0, 0, 0, 1, 3, 3, 7],
      [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8],
      [1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 20],
      [1, 1, 5, 18, 0, 0, 0, 9, 0, 0, 0, 20, 0, 0, 0, 40, 0, 0, 0, 60],
      [0, 0, 0, 0],
      [3, 3, 7, 0],
      [19, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 0],
      [28, 4, 0x80, 0x05],
      [34, 6, 1, 2, 3, 4, 1, 1],
      [254, 4, 0x12, 0x34],
      [253, 6, 0xf9, 0x89, 1, 2, 1, 1],
      [99, 4, 1, 2],
      [2, 5, 5, 0xb4],
      [8, 3, 0, 0],
      [2, 0, 0, 0],
    ];
    return Uint8Array.from(this.pick(choices));
  }

  icmp(): Uint8Array {
    const type = this.pick([0, 8, 0, 8, 3, 3, 3, 3, 4, 5, 9, 10, 11, 11, 12, 13, 14, 15, 16, 17, 18, 41, 200]);
    const code = this.chance(3) ? this.random(18) : this.pick([0, 1, 3, 4]);
    let data: Uint8Array;
    if ([3, 4, 5, 11, 12].includes(type)) data = this.embedded();
    else if (type === 13 || type === 14) data = this.bytes(12);
    else if (type === 9) data = Uint8Array.from([...this.bytes(16)]);
    else if (type === 17 || type === 18) data = Uint8Array.from([255, 255, 255, 0]);
    else data = this.bytes(this.pick([56, 0, 8, 16]));
    const bytes = new Uint8Array(8 + data.length);
    bytes.set(data, 8);
    const rest = type === 9 ? ((1 + this.random(3)) << 24) | (2 << 16) | 1800 : this.random(2 ** 32);
    putIcmpHeader(bytes, 0, bytes.length, type, code, type === 3 && code === 4 ? this.pick([0, 1400, 68]) : rest);
    if (this.chance(10)) bytes[2]! ^= 0x55;
    return bytes;
  }

  /** The packet inside an ICMP error. */
  private embedded(): Uint8Array {
    const [source, destination] = [this.pick(ADDRESSES), this.pick(ADDRESSES)];
    const inner = this.pick([
      () => this.ipv4(17, this.udp(source, destination), source, destination),
      () => this.ipv4(6, this.tcp(source, destination), source, destination),
      () => this.ipv4(1, this.icmp(), source, destination),
      () => this.ipv4(this.plain ? this.pick(PLAIN_PROTOCOLS) : this.random(256), this.bytes(30), source, destination),
    ])();
    return inner.slice(0, this.pick([28, 28, 48, 20, 10, inner.length, inner.length]));
  }

  igmp(): Uint8Array {
    const group = this.pick([0xe00000fb, 0xe0000001, 0xef010203, 0]);
    switch (this.random(6)) {
      case 0: {
        const bytes = new Uint8Array(8);
        putIgmp(bytes, 0, this.pick([0x11, 0x12, 0x16, 0x17, 0x1e, 0x77]), this.pick([0, 100, 20, 10, 200]), group);
        if (this.chance(5)) bytes[2]! ^= 1;
        return bytes;
      }
      case 1: {
        const sources = this.random(3);
        const bytes = new Uint8Array(12 + 4 * sources);
        bytes.set(this.bytes(4 * sources), 12);
        bytes[0] = 0x11;
        bytes[1] = this.pick([100, 10, 0, 130]);
        putU32(bytes, 4, group);
        bytes[8] = this.pick([2, 0x0a, 0]);
        bytes[9] = this.pick([125, 0, 200]);
        putU16(bytes, 10, this.chance(6) ? sources + 1 : sources);
        putIgmpChecksum(bytes, 0, bytes.length);
        return bytes;
      }
      default: {
        const records = 1 + this.random(3);
        const parts: Uint8Array[] = [new Uint8Array(8)];
        putIgmpv3ReportHeader(parts[0]!, 0, this.chance(8) ? records + 1 : records);
        for (let left = records; left > 0; left--) {
          const sources = this.random(3);
          const record = new Uint8Array(8 + 4 * sources);
          record.set(this.bytes(4 * sources), 8);
          putIgmpv3Record(record, 0, this.pick([1, 2, 3, 4, 5, 6, 9]), sources, group);
          parts.push(record);
        }
        const bytes = join(...parts);
        putIgmpChecksum(bytes, 0, bytes.length);
        return bytes;
      }
    }
  }

  /** IPv6 around a payload, perhaps with extension headers. */
  ipv6(next: number, payload: Uint8Array, source: Uint8Array, destination: Uint8Array): Uint8Array {
    let [first, body] = [next, payload];
    if (this.chance(6)) {
      const [extension, bytes] = this.pick([
        [0, [first, 0, 5, 2, 0, 0, 1, 0]],
        [0, [first, 0, 1, 4, 0, 0, 0, 0]],
        [44, [first, 0, 0, 1, 0x12, 0x34, 0x56, 0x78]],
        [44, [first, 0, 0x05, 0xa9, 0x12, 0x34, 0x56, 0x78]],
        [60, [first, 0, 1, 4, 0, 0, 0, 0]],
        [43, [first, 0, 0, 0, 0, 0, 0, 0]],
      ] as [number, number[]][]);
      first = extension;
      body = join(Uint8Array.from(bytes), payload);
    }
    const header = new Uint8Array(40);
    putU32(header, 0, 0x6000_0000 + this.pick([0, 0x12345, 0x0b8 << 20, 0x01 << 20]));
    putU16(header, 4, body.length + (this.chance(12) ? this.random(20) - 10 : 0));
    header[6] = first;
    header[7] = this.pick([255, 64, 1]);
    header.set(source, 8);
    header.set(destination, 24);
    return join(header, body);
  }

  ip6(): Uint8Array {
    const from = (text: string) => Uint8Array.from(text.match(/../g)!.map((octet) => Number.parseInt(octet, 16)));
    const choices = [
      'fe80000000000000020000fffe000001',
      'ff020000000000000000000000000016',
      'ff0200000000000000000001ff000001',
      '00000000000000000000000000000000',
      '20010db8000000010000000000000002',
      '00000000000000000000ffffc0a80902',
      'ff020000000000000000000000000002',
    ];
    const [source, destination] = [from(this.pick(choices)), from(this.pick(choices))];
    const sum = (bytes: Uint8Array, next: number) => {
      const addresses = join(source, destination);
      return checksum(bytes, 0, bytes.length, pseudoHeaderSum6(addresses, 0, 16, next, bytes.length));
    };
    switch (this.random(6)) {
      case 0: {
        const bytes = this.udp(0, 0);
        putU16(bytes, 6, 0);
        if (!this.chance(4)) putU16(bytes, 6, sum(bytes, 17));
        return this.ipv6(17, bytes, source, destination);
      }
      case 1: {
        const bytes = this.tcp(0, 0);
        putU16(bytes, 16, 0);
        putU16(bytes, 16, sum(bytes, 6));
        return this.ipv6(6, bytes, source, destination);
      }
      case 2:
        return this.ipv6(
          this.pick(this.plain ? [59, 4, 253] : [59, 50, 132, 4, 253]),
          this.bytes(this.random(40)),
          source,
          destination,
        );
      default: {
        const bytes = this.icmp6(source);
        putU16(bytes, 2, 0);
        if (!this.chance(10)) putU16(bytes, 2, sum(bytes, 58));
        return this.ipv6(58, bytes, source, destination);
      }
    }
  }

  private icmp6(address: Uint8Array): Uint8Array {
    const lladdr = [this.pick([1, 2]), 1, 2, 0, 0, 0, 0, this.random(4)];
    switch (this.random(9)) {
      case 0:
        return Uint8Array.from([
          this.pick([128, 129]),
          0,
          0,
          0,
          0x12,
          0x34,
          0,
          this.random(9),
          ...this.bytes(this.pick([56, 0])),
        ]);
      case 1:
        return Uint8Array.from([
          135,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          ...address,
          ...(this.chance(2) ? lladdr : [14, 1, 1, 2, 3, 4, 5, 6]),
        ]);
      case 2:
        return Uint8Array.from([136, 0, 0, 0, this.pick([0x60, 0x20, 0xe0, 0]), 0, 0, 0, ...address, ...lladdr]);
      case 3:
        return Uint8Array.from([133, 0, 0, 0, 0, 0, 0, 0, ...(this.chance(2) ? lladdr : [])]);
      case 4:
        return Uint8Array.from([
          134,
          0,
          0,
          0,
          64,
          this.pick([0, 0x80, 0xc0, 0x48]),
          7,
          8,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          ...lladdr,
          5,
          1,
          0,
          0,
          0,
          0,
          5,
          0xdc,
          3,
          4,
          64,
          0xc0,
          0,
          1,
          0x51,
          0x80,
          0,
          0,
          0x38,
          0x40,
          0,
          0,
          0,
          0,
          ...address,
          ...(this.chance(2) ? [25, 3, 0, 0, 0, 0, 0, 60, ...address] : []),
        ]);
      case 5:
        return Uint8Array.from([
          143,
          0,
          0,
          0,
          0,
          0,
          0,
          1,
          this.pick([1, 2, 3, 4, 5, 6, 7]),
          0,
          0,
          this.pick([0, 0, 1]),
          ...address,
          ...(this.chance(3) ? address : []),
        ]);
      case 6:
        return Uint8Array.from([
          this.pick([130, 131, 132]),
          0,
          0,
          0,
          0x27,
          0x10,
          0,
          0,
          ...address,
          ...(this.chance(2) ? [2, 125, 0, 0] : []),
        ]);
      case 7: {
        const inner = this.ip6Plain(address);
        return Uint8Array.from([this.pick([1, 2, 3, 4]), this.random(6), 0, 0, 0, 0, 5, 0, ...inner]);
      }
      default:
        return Uint8Array.from([
          this.pick([5, 100, 141, 142, 161]),
          this.random(4),
          0,
          0,
          ...this.bytes(this.random(30)),
        ]);
    }
  }

  private ip6Plain(address: Uint8Array): Uint8Array {
    return this.ipv6(this.pick([17, 6, 58]), this.bytes(8 + this.random(30)), address, address);
  }

  llc(): Uint8Array {
    switch (this.random(5)) {
      case 0:
        return Uint8Array.from([
          0x42,
          0x42,
          3,
          0,
          0,
          0,
          0,
          this.pick([0, 1, 0x3c, 0x81]),
          0x80,
          0,
          ...this.bytes(6),
          0,
          0,
          0,
          4,
          0x80,
          0,
          ...this.bytes(6),
          0x80,
          2,
          1,
          0,
          20,
          0,
          2,
          0,
          15,
          0,
          ...new Uint8Array(8),
        ]);
      case 1:
        return Uint8Array.from([
          0x42,
          0x42,
          3,
          0,
          0,
          this.pick([0, 2, 3]),
          this.pick([0x80, 2]),
          this.random(256),
          ...this.bytes(this.pick([31, 32, 20, 100])),
        ]);
      case 2:
        return Uint8Array.from([0xaa, 0xaa, 3, 0, 0, 0, 8, 0, ...this.ip()]);
      case 3:
        return Uint8Array.from([
          0xaa,
          0xaa,
          3,
          ...this.pick([
            [0, 0, 0x0c],
            [8, 0, 7],
            [0, 0x80, 0xc2],
            [1, 2, 3],
          ]),
          this.plain ? 0x77 : 0x20,
          4,
          ...this.bytes(20),
        ]);
      default:
        return Uint8Array.from([
          this.pick([0xe0, 0xf0, 0xfe, 0x06, 0xff, 0x00, 0x01]),
          this.pick(this.plain ? [0x01, 0x41, 0x06, 0xe0, 0xff] : [0xe0, 0xf0, 0xfe, 0xff, 0x01, 0x41]),
          this.random(256),
          ...this.bytes(this.random(40)),
        ]);
    }
  }

  /** A frame of any kind. */
  frame(): Uint8Array {
    const frame = this.wholeFrame();
    if (this.chance(20)) frame[this.random(frame.length)] = this.random(256);
    return frame;
  }

  /** A frame that nothing happened to. */
  wholeFrame(): Uint8Array {
    switch (this.random(12)) {
      case 0:
      case 1:
        return this.ethernet(this.pick([0x0806, 0x0806, 0x8035]), this.arp());
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
        return this.ethernet(0x0800, this.ip());
      case 7:
      case 8:
        return this.ethernet(0x86dd, this.ip6());
      case 9: {
        const llc = this.llc();
        return this.ethernet(this.chance(5) ? this.random(1600) : llc.length, llc);
      }
      case 10:
        return this.ethernet(this.pick(this.plain ? PLAIN_ETHERTYPES : ALL_ETHERTYPES), this.bytes(this.random(60)));
      default:
        return this.bytes(1 + this.random(30));
    }
  }
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

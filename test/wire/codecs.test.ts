import { describe, expect, it } from 'vitest';
import { formatIpv4, formatMac, parseIpv4, parseMac } from '../../src/wire/addr.ts';
import { arpOperation, arpSenderIp, arpSenderMac, arpTargetIp, putArp, validateArp } from '../../src/wire/arp.ts';
import { ethDestination, ethSource, ethType, putEthernetHeader, validateEthernet } from '../../src/wire/ethernet.ts';
import { icmpCode, icmpId, icmpSequence, icmpType, putIcmpHeader, validateIcmp } from '../../src/wire/icmp.ts';
import {
  igmpv3RecordCount,
  igmpv3RecordGroup,
  putIgmpChecksum,
  putIgmpv3Record,
  putIgmpv3ReportHeader,
  validateIgmp,
} from '../../src/wire/igmp.ts';
import {
  ipv4Destination,
  ipv4FragOff,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipv4Ttl,
  putIpv4Header,
  validateIpv4,
} from '../../src/wire/ipv4.ts';
import { formatIpv6, parseIpv6 } from '../../src/wire/ipv6.ts';
import { putTcpHeader, tcpAcknowledgment, tcpFlags, validateTcp } from '../../src/wire/tcp.ts';
import { putUdpHeader, udpChecksum, udpDestinationPort, udpLength, validateUdp } from '../../src/wire/udp.ts';
import { insertVlanTag, removeVlanTag, vlanEncapsulatedType, vlanId, vlanTci } from '../../src/wire/vlan.ts';

const hex = (text: string) => Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (octet) => Number.parseInt(octet, 16));
const ip = (text: string) => parseIpv4(text)!;
const mac = (text: string) => parseMac(text)!;
const A = ip('10.0.0.1');
const B = ip('10.0.0.2');
const AT = 14;

// Captured from Linux 6.18 on a veth pair.
const ARP_REPLY = hex(
  '02000000000a 02000000000b 0806 0001 0800 06 04 0002 02000000000b 0a000002 02000000000a 0a000001',
);
const ECHO_REPLY = hex(
  '02000000000a 02000000000b 0800 4500002cd069000040019665 0a000002 0a000001 00002b2312340001 2f48046b0000000083f40b0000000000',
);
const UNREACHABLE = hex(
  '02000000000a 02000000000b 0800 45c0003ed06b000040019591 0a000002 0a000001 0303130e00000000 45000022c5c4400040116104 0a000001 0a000002 91d90009000e1422 68656c6c6f0a',
);
const RESET = hex(
  '02000000000a 02000000000b 0800 450000280000400040 0626ce 0a000002 0a000001 00098162000000009ec61b2d50140000606f0000',
);
const IGMP_REPORT = hex(
  '01005e000016 02000000000a 0800 46c00028000040000102f9f8 0a000001 e0000016 94040000 2200e8f900000001 04000000 ef010203',
);

describe('headers are written as Linux writes them, and read back', () => {
  const frame = (like: Uint8Array, type: number) => {
    const bytes = new Uint8Array(like.length);
    putEthernetHeader(bytes, 0, ethDestination(like, 0), ethSource(like, 0), type);
    return bytes;
  };

  it('ARP', () => {
    const bytes = frame(ARP_REPLY, 0x0806);
    putArp(bytes, AT, 2, mac('02:00:00:00:00:0b'), B, mac('02:00:00:00:00:0a'), A);
    expect(bytes).toEqual(ARP_REPLY);
    expect(ethType(bytes, 0)).toBe(0x0806);
    expect(arpOperation(bytes, AT)).toBe(2);
    expect(formatMac(arpSenderMac(bytes, AT))).toBe('02:00:00:00:00:0b');
    expect([arpSenderIp(bytes, AT), arpTargetIp(bytes, AT)].map(formatIpv4)).toEqual(['10.0.0.2', '10.0.0.1']);
  });

  it('IPv4 and an ICMP echo reply', () => {
    const bytes = frame(ECHO_REPLY, 0x0800);
    bytes.set(ECHO_REPLY.subarray(AT + 28), AT + 28);
    putIpv4Header(bytes, AT, B, A, 1, 44, 64, 0xd069, 0, 0);
    putIcmpHeader(bytes, AT + 20, bytes.length, 0, 0, 0x12340001);
    expect(bytes).toEqual(ECHO_REPLY);
    expect([ipv4Ttl(bytes, AT), ipv4TotalLength(bytes, AT), ipv4Protocol(bytes, AT)]).toEqual([64, 44, 1]);
    expect([ipv4Source(bytes, AT), ipv4Destination(bytes, AT)]).toEqual([B, A]);
    expect([icmpType(bytes, AT + 20), icmpId(bytes, AT + 20), icmpSequence(bytes, AT + 20)]).toEqual([0, 0x1234, 1]);
  });

  it('an ICMP error with the type of service that errors have', () => {
    const bytes = frame(UNREACHABLE, 0x0800);
    bytes.set(UNREACHABLE.subarray(AT + 28), AT + 28);
    putIpv4Header(bytes, AT, B, A, 1, 62, 64, 0xd06b, 0, 0xc0);
    putIcmpHeader(bytes, AT + 20, bytes.length, 3, 3, 0);
    expect(bytes).toEqual(UNREACHABLE);
    expect(icmpCode(bytes, AT + 20)).toBe(3);
    expect(udpDestinationPort(bytes, AT + 48)).toBe(9);
    expect(udpLength(bytes, AT + 48)).toBe(14);
  });

  it('a TCP reset', () => {
    const bytes = frame(RESET, 0x0800);
    putIpv4Header(bytes, AT, B, A, 6, 40, 64, 0, 0x4000, 0);
    putTcpHeader(bytes, AT + 20, bytes.length, 9, 0x8162, 0, 0x9ec61b2d, 0x14, 0, B, A);
    expect(bytes).toEqual(RESET);
    expect(tcpFlags(bytes, AT + 20)).toBe(0x14);
    expect(tcpAcknowledgment(bytes, AT + 20)).toBe(0x9ec61b2d);
    expect(ipv4FragOff(bytes, AT)).toBe(0x4000);
  });

  it('an IGMPv3 report behind a header with the router alert option', () => {
    const bytes = frame(IGMP_REPORT, 0x0800);
    bytes.set([148, 4, 0, 0], AT + 20);
    putIpv4Header(bytes, AT, A, ip('224.0.0.22'), 2, 40, 1, 0, 0x4000, 0xc0, 4);
    const at = AT + ipv4HeaderLength(bytes, AT);
    putIgmpv3ReportHeader(bytes, at, 1);
    putIgmpv3Record(bytes, at + 8, 4, 0, ip('239.1.2.3'));
    putIgmpChecksum(bytes, at, bytes.length);
    expect(bytes).toEqual(IGMP_REPORT);
    expect(igmpv3RecordCount(bytes, at)).toBe(1);
    expect(formatIpv4(igmpv3RecordGroup(bytes, at + 8))).toBe('239.1.2.3');
  });

  it('a UDP checksum that works out as 0 is sent as 0xffff', () => {
    const bytes = new Uint8Array(10);
    const checksums = new Set<number>();
    for (let data = 0; data <= 0xffff; data++) {
      bytes.set([data >> 8, data & 255], 8);
      putUdpHeader(bytes, 0, 10, 9, 9, A, B);
      checksums.add(udpChecksum(bytes, 0));
    }
    expect(checksums.has(0)).toBe(false);
    expect(checksums.size).toBe(0xffff);
    expect(validateUdp(bytes, 0, 10, A, B).verdict).toBe('ok');
  });

  it('a VLAN tag is put in and taken out where the frame lies', () => {
    const bytes = new Uint8Array(4 + ARP_REPLY.length);
    bytes.set(ARP_REPLY, 4);
    const start = insertVlanTag(bytes, 4, 0x8100, 0x2064);
    expect(start).toBe(0);
    expect(ethType(bytes, start)).toBe(0x8100);
    expect(vlanId(vlanTci(bytes, start))).toBe(100);
    expect(vlanEncapsulatedType(bytes, start)).toBe(0x0806);
    expect(bytes.subarray(removeVlanTag(bytes, start))).toEqual(ARP_REPLY);
  });
});

describe('a validator tells what is wrong and where', () => {
  const changed = (bytes: Uint8Array, at: number, value: number) => {
    const copy = bytes.slice();
    copy[at] = value;
    return copy;
  };

  const shortTotalLength = () => {
    const bytes = RESET.slice();
    putIpv4Header(bytes, AT, B, A, 6, 19, 64, 0, 0, 0);
    return bytes;
  };

  it('accepts what Linux sent, and nothing that is shorter', () => {
    const verdicts = (bytes: Uint8Array, end: number) => [
      validateEthernet(bytes, 0, end).verdict,
      (ethType(bytes, 0) === 0x0806 ? validateArp : validateIpv4)(bytes, AT, end).verdict,
    ];
    for (const bytes of [ARP_REPLY, ECHO_REPLY, UNREACHABLE, RESET, IGMP_REPORT]) {
      expect(verdicts(bytes, bytes.length)).toEqual(['ok', 'ok']);
      expect(verdicts(bytes, bytes.length - 1)).toEqual(['ok', 'truncated']);
      expect(verdicts(bytes, 13)).toEqual(['truncated', 'truncated']);
    }
    expect(validateIcmp(ECHO_REPLY, AT + 20, ECHO_REPLY.length).verdict).toBe('ok');
    expect(validateTcp(RESET, AT + 20, RESET.length, B, A).verdict).toBe('ok');
    expect(validateIgmp(IGMP_REPORT, AT + 24, IGMP_REPORT.length).verdict).toBe('ok');
  });

  it.each([
    ['an IP version of 6', validateIpv4(changed(RESET, AT, 0x65), AT, RESET.length), AT],
    ['an IP header of 16 octets', validateIpv4(changed(RESET, AT, 0x44), AT, RESET.length), AT],
    ['a total length below the header', validateIpv4(shortTotalLength(), AT, RESET.length), AT + 2],
    ['a wrong IP checksum', validateIpv4(changed(RESET, AT + 11, 0), AT, RESET.length), AT + 10],
    ['a hardware type that is not Ethernet', validateArp(changed(ARP_REPLY, AT + 1, 6), AT, 42), AT],
    ['a hardware length of 8', validateArp(changed(ARP_REPLY, AT + 4, 8), AT, 42), AT + 4],
    ['a wrong ICMP checksum', validateIcmp(changed(ECHO_REPLY, 50, 1), AT + 20, ECHO_REPLY.length), AT + 22],
    ['a TCP header of 16 octets', validateTcp(changed(RESET, AT + 32, 0x40), AT + 20, RESET.length, B, A), AT + 32],
    ['a wrong TCP checksum', validateTcp(changed(RESET, AT + 20, 1), AT + 20, RESET.length, B, A), AT + 36],
    ['a UDP length below the header', validateUdp(hex('00090009 00070000 0000'), 0, 10, A, B), 4],
  ])('%s', (_name, validity, at) => {
    expect(validity).toMatchObject({ verdict: 'malformed', at });
  });
});

// What glibc's inet_ntop() and inet_pton() of Debian 12 do.
describe('IPv6 addresses', () => {
  it.each([
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['fe80000000000000020000fffe00000a', 'fe80::200:ff:fe00:a'],
    ['20010db8000000010000000000000000', '2001:db8:0:1::'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010000000100010001000100010001', '2001:0:1:1:1:1:1:1'],
    ['00000000000000000000ffff0a000001', '::ffff:10.0.0.1'],
  ])('%s is %s', (octets, text) => {
    expect(formatIpv6(hex(octets), 0)).toBe(text);
    expect(parseIpv6(text)).toEqual(hex(octets));
  });

  it.each([
    '',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    'g::',
    '::1.2.3',
    '1:2:3:4:5:6:7:8::',
  ])('%j is none', (text) => {
    expect(parseIpv6(text)).toBeUndefined();
  });
});

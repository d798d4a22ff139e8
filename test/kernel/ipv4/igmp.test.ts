/** IGMP: what a host says when it joins and leaves, and what it answers to queries of each version. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { devAddPack } from '../../../src/kernel/core/packet-type.ts';
import type { Socket } from '../../../src/uapi/socket.ts';
import { formatIpv4, formatMac, ipv4At, putU16, u16At } from '../../../src/wire/addr.ts';
import { checksum } from '../../../src/wire/checksum.ts';
import { addr, type Host, type L3Lab, ok, pair } from './l3-lab.ts';

let lab: L3Lab;
let a: Host;
let b: Host;
let member: Socket;
/** What the other end sent: `v3 to_ex 239.1.1.1`. */
let reports: string[];

const RECORDS = ['', 'is_in', 'is_ex', 'to_in', 'to_ex'];

beforeEach(() => {
  ({ lab, a, b } = pair());
  reports = [];
  devAddPack(b.dev('b0'), {
    protocol: 3,
    dev: b.dev('b0'),
    sk: {},
    ignoreOutgoing: true,
    receive(skb) {
      const { bytes } = skb;
      if (bytes[skb.data + 9] !== 2 || formatIpv4(ipv4At(bytes, skb.data + 12)) !== '10.0.0.1') return;
      const to = formatIpv4(ipv4At(bytes, skb.data + 16));
      expect([bytes[skb.data], bytes[skb.data + 1], bytes[skb.data + 8]]).toEqual([0x46, 0xc0, 1]);
      const at = skb.data + 24;
      expect(checksum(bytes, at, skb.tail)).toBe(0);
      const type = bytes[at]!;
      if (type !== 0x22) {
        const name = { 18: 'v1', 22: 'v2', 23: 'leave' }[type] ?? String(type);
        reports.push(`${name} ${formatIpv4(ipv4At(bytes, at + 4))} to ${to}`);
        return;
      }
      for (let i = 0; i < u16At(bytes, at + 6); i++) {
        const record = at + 8 + i * 8;
        reports.push(`v3 ${RECORDS[bytes[record]!]} ${formatIpv4(ipv4At(bytes, record + 4))} to ${to}`);
      }
    },
  });
  member = a.socket('udp');
});

afterEach(() => {
  lab.run(20);
  lab.expectNothingLost();
});

function join(group = '239.1.1.1'): void {
  ok(member.addMembership(addr(group), a.dev('a0').ifindex));
}

function heard(): string[] {
  return reports.splice(0);
}

/** A query from `b`: eight octets for versions 1 and 2, twelve for version 3. */
function query(version: 1 | 2 | 3, group = '0.0.0.0'): void {
  const message = new Uint8Array(version === 3 ? 12 : 8);
  message[0] = 0x11;
  message[1] = version === 1 ? 0 : 20;
  const to = group === '0.0.0.0' ? '224.0.0.1' : group;
  for (const [i, part] of group.split('.').entries()) message[4 + i] = Number(part);
  putU16(message, 2, checksum(message, 0, message.length));
  const socket = b.socket('raw', 2);
  socket.setOption('multicastIf', b.dev('b0').ifindex);
  socket.send(message, { family: 'inet', address: addr(to), port: 0 });
  socket.close();
}

function deviceGroups(): string[] {
  return [...a.dev('a0').mc].map(({ address }) => formatMac(address)).filter((mac) => mac.startsWith('01:00:5e'));
}

describe('a host', () => {
  it('reports nothing of 224.0.0.1, which all devices that are up belong to', () => {
    lab.run(15);
    expect(heard()).toEqual([]);
    expect(deviceGroups()).toEqual(['01:00:5e:00:00:01']);
    a.down('a0');
    expect(deviceGroups()).toEqual([]);
  });

  it('tells of a change twice', () => {
    join();
    expect(deviceGroups()).toContain('01:00:5e:01:01:01');
    lab.run(3);
    expect(heard()).toEqual(Array(2).fill('v3 to_ex 239.1.1.1 to 224.0.0.22'));
    ok(member.dropMembership(addr('239.1.1.1'), 0));
    lab.run(3);
    expect(heard()).toEqual(Array(2).fill('v3 to_in 239.1.1.1 to 224.0.0.22'));
    expect(deviceGroups()).toEqual(['01:00:5e:00:00:01']);
  });

  it('leaves the groups of a socket that is closed, once it was the last', () => {
    join();
    const second = a.socket('udp');
    ok(second.addMembership(addr('239.1.1.1'), a.dev('a0').ifindex));
    lab.run(3);
    heard();
    member.close();
    lab.run(3);
    expect(heard()).toEqual([]);
    second.close();
    lab.run(3);
    expect(heard()).toHaveLength(2);
  });

  it('answers a version 3 query within the time that it gives', () => {
    join();
    join('239.1.1.2');
    lab.run(3);
    heard();
    query(3);
    lab.run(2.1);
    expect(heard()).toEqual(['v3 is_ex 239.1.1.2 to 224.0.0.22', 'v3 is_ex 239.1.1.1 to 224.0.0.22']);
    query(3, '239.1.1.1');
    lab.run(2.1);
    expect(heard()).toEqual(['v3 is_ex 239.1.1.1 to 224.0.0.22']);
  });

  it('speaks version 2 as long as a querier of it is there, and says when it leaves', () => {
    join();
    lab.run(3);
    heard();
    query(2);
    lab.run(2.1);
    expect(heard()).toEqual(['v2 239.1.1.1 to 239.1.1.1']);
    ok(member.dropMembership(addr('239.1.1.1'), 0));
    lab.run(3);
    expect(heard()).toEqual(['leave 239.1.1.1 to 224.0.0.2']);
    lab.run(300);
    join();
    lab.run(3);
    expect(heard()[0]).toBe('v3 to_ex 239.1.1.1 to 224.0.0.22');
  });

  it('speaks version 1 to a querier of it, and leaves without a word', () => {
    query(1);
    join();
    lab.run(30);
    expect(new Set(heard())).toEqual(new Set(['v1 239.1.1.1 to 239.1.1.1']));
    ok(member.dropMembership(addr('239.1.1.1'), 0));
    lab.run(3);
    expect(heard()).toEqual([]);
  });

  it('does not report link-local groups when igmp_link_local_mcast_reports is off', () => {
    a.sysctl('net/ipv4/igmp_link_local_mcast_reports', 0);
    join('224.0.0.77');
    join();
    lab.run(3);
    expect(new Set(heard())).toEqual(new Set(['v3 to_ex 239.1.1.1 to 224.0.0.22']));
  });
});

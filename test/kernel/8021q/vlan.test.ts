import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { devSetPromiscuity } from '../../../src/kernel/core/dev-rx-mode.ts';
import { EEXIST, EINVAL, ENETDOWN, EOPNOTSUPP, ERANGE } from '../../../src/uapi/errno.ts';
import type { VlanData } from '../../../src/uapi/rtnetlink.ts';
import { L2Lab, mac } from '../l2-lab.ts';

let lab: L2Lab;

function vlan(name: string, data: VlanData, over = 'p'): void {
  lab.link(name, 'vlan', data, { over });
}

beforeEach(() => {
  lab = new L2Lab();
  lab.veth('p', 'q', '0a', '0b');
  lab.up('p', 'q');
});
afterEach(() => lab.expectNothingLost());

describe('a tagged frame', () => {
  test('goes to the device with its protocol and id, without the tag', () => {
    vlan('p.11', { id: 11 });
    vlan('s.11', { id: 11, protocol: 0x88a8 });
    lab.up('p.11', 's.11');
    lab.tap('p', 'p.11', 's.11');
    lab.say('q', '0a', '0b', 11);
    expect(lab.heard()).toEqual({ p: ['< 0a 0b vlan 11'], 'p.11': ['< 0a 0b'] });
    expect(lab.dev('p.11').stats).toMatchObject({ rxPackets: 1, rxBytes: 46, multicast: 0 });
  });

  test('with an id that nobody has is for somebody else, with id 0 it is untagged', () => {
    vlan('p.11', { id: 11 });
    lab.up('p.11');
    lab.say('q', 'ff', '0b', 12);
    lab.say('q', 'ff', '0b', 0x6000);
    expect(lab.dev('p.11').stats.rxPackets).toBe(0);
  });

  test('ends at a device that is down', () => {
    vlan('p.11', { id: 11 });
    lab.tap('p.11');
    lab.say('q', '0a', '0b', 11);
    expect(lab.heard()).toEqual({});
  });

  test('for an address of the VLAN device alone is for this host', () => {
    vlan('p.11', { id: 11 });
    lab.up('p.11');
    expect(lab.set('p.11', { address: mac('77') })).toBeUndefined();
    expect(lab.dev('p').promiscuity).toBe(1);
    let type = -1;
    lab.kernel.packetHandlers.set(0x88b5, (skb) => {
      type = skb.pktType;
      lab.take(skb);
    });
    lab.say('q', '77', '0b', 11);
    expect(type).toBe(0);
  });

  test('with two tags reaches the device on the device', () => {
    vlan('p.11', { id: 11 });
    vlan('p.11.5', { id: 5 }, 'p.11');
    lab.up('p.11', 'p.11.5');
    lab.tap('p.11', 'p.11.5', 'q');
    lab.say('q', 'ff', '0b', 11, 5);
    expect(lab.heard()).toEqual({
      q: ['> ff:ff:ff:ff:ff:ff 0b type 8100'],
      'p.11': ['< ff:ff:ff:ff:ff:ff 0b vlan 5'],
      'p.11.5': ['< ff:ff:ff:ff:ff:ff 0b'],
    });
    lab.say('p.11.5', '0b', '0a');
    expect(lab.heard()['q']).toEqual(['< 0b 0a vlan 11 type 8100']);
  });

  test('carries the priority of the maps both ways', () => {
    vlan('p.11', { id: 11, ingressQos: [{ from: 3, to: 7 }], egressQos: [{ from: 0, to: 5 }] });
    lab.up('p.11');
    let priority = -1;
    lab.kernel.packetHandlers.set(0x88b5, (skb) => {
      priority = skb.priority;
      lab.take(skb);
    });
    lab.say('q', '0a', '0b', 0x600b);
    expect(priority).toBe(7);
    let tci = -1;
    lab.dev('q').rxHandler = (skb) => {
      tci = skb.vlanTci;
      return 3;
    };
    lab.say('p.11', '0b', '0a');
    expect(tci).toBe(0xa00b);
  });
});

describe('the parent', () => {
  test('takes its VLAN devices down and up with it, except those with loose binding', () => {
    vlan('p.11', { id: 11 });
    vlan('p.12', { id: 12, flags: { flags: 4, mask: 4 } });
    lab.up('p.11', 'p.12');
    lab.down('p');
    expect([lab.dev('p.11').flags & 1, lab.dev('p.12').flags & 1]).toEqual([0, 1]);
    expect(lab.set('p.11', { flags: 1, change: 1 })).toEqual({ errno: ENETDOWN });
    lab.up('p');
    expect([lab.dev('p.11').flags & 1, lab.dev('p.11').carrier]).toEqual([1, true]);
    lab.down('q');
    expect(lab.dev('p.11').carrier).toBe(false);
  });

  test('hands its address on until the VLAN device has one of its own', () => {
    vlan('p.11', { id: 11 });
    lab.up('p.11');
    lab.set('p', { address: mac('1a') });
    expect(lab.dev('p.11').addr).toBe(mac('1a'));
    lab.set('p.11', { address: mac('77') });
    lab.set('p', { address: mac('1b') });
    expect(lab.dev('p.11').addr).toBe(mac('77'));
  });

  test('limits the MTU, shrinks it, and is promiscuous when the VLAN device is', () => {
    vlan('p.11', { id: 11 });
    expect(lab.set('p.11', { mtu: 1501 })).toEqual({ errno: ERANGE });
    lab.set('p', { mtu: 1400 });
    expect(lab.dev('p.11').mtu).toBe(1400);
    lab.up('p.11');
    devSetPromiscuity(lab.dev('p.11'), 1);
    expect(lab.dev('p').promiscuity).toBe(1);
    lab.down('p.11');
    lab.del('q');
    expect(lab.net.devByName('p.11')).toBeUndefined();
  });

  test('listens to GVRP while it carries VLANs', () => {
    vlan('p.11', { id: 11 });
    expect(lab.dev('p').mc.has(mac('01:80:c2:00:00:21'))).toBe(true);
    lab.del('p.11');
    expect(lab.dev('p').mc.has(mac('01:80:c2:00:00:21'))).toBe(false);
  });
});

test('what is refused, in the kernel’s words', () => {
  vlan('p.11', { id: 11 });
  expect(lab.try('x', 'vlan', { id: 11 }, { over: 'p' })).toEqual({
    errno: EEXIST,
    extack: '8021q: VLAN device already exists',
  });
  expect(lab.try('x', 'vlan', { id: 4095 }, { over: 'p' })).toEqual({
    errno: ERANGE,
    extack: '8021q: Invalid VLAN id',
  });
  expect(lab.try('x', 'vlan', {}, { over: 'p' })).toEqual({ errno: EINVAL, extack: '8021q: VLAN id not specified' });
  expect(lab.try('x', 'vlan', { id: 5 })).toEqual({ errno: EINVAL, extack: '8021q: link not specified' });
  expect(lab.try('x', 'vlan', { id: 5 }, { over: 'lo' })).toEqual({
    errno: EOPNOTSUPP,
    extack: '8021q: VLANs not supported on device',
  });
  expect(lab.try('x', 'vlan', { id: 5 }, { over: 'p', mtu: 1501 })).toEqual({ errno: EINVAL });
});

test('VEPA over a VLAN with a hairpin port: the frame is on the wire twice, tagged, and untagged above', () => {
  // Two children of p.11 in VEPA mode; q is a hairpin port of a bridge, a third host is on VLAN 12.
  lab.link('br', 'bridge');
  lab.enslave('q', 'br');
  lab.port('q', { mode: 1 });
  lab.veth('o', 'oq', '0c', '0d');
  lab.enslave('oq', 'br');
  vlan('p.11', { id: 11 });
  vlan('o.12', { id: 12 }, 'o');
  lab.link('a', 'macvlan', { mode: 2 }, { over: 'p.11', address: '01' });
  lab.link('b', 'macvlan', { mode: 2 }, { over: 'p.11', address: '02' });
  lab.up('br', 'o', 'oq', 'p.11', 'o.12', 'a', 'b');
  lab.tap('q', 'p.11', 'a', 'b', 'o', 'o.12');
  lab.say('a', 'ff', '01');
  const all = 'ff:ff:ff:ff:ff:ff';
  expect(lab.heard()).toEqual({
    a: [`> ${all} 01`],
    'p.11': [`> ${all} 01`, `< ${all} 01`],
    q: [`< ${all} 01 vlan 11`, `> ${all} 01 vlan 11`],
    b: [`< ${all} 01`],
    o: [`< ${all} 01 vlan 11`],
  });
  lab.say('b', '01', '02');
  expect(lab.heard()).toEqual({
    b: ['> 01 02'],
    'p.11': ['> 01 02', '< 01 02'],
    q: ['< 01 02 vlan 11', '> 01 02 vlan 11'],
    a: ['< 01 02'],
  });
});

/** Routing tables: the longest prefix, what goes with addresses and links, next hops that share. */
import { afterEach, describe, expect, it } from 'vitest';
import { Random } from '../../../src/sim/random.ts';
import { isRefusal } from '../../../src/uapi/result.ts';
import {
  NLM_F_CREATE,
  type RouteMessage,
  RT_TABLE_LOCAL,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_UNREACHABLE,
  RTNH_F_DEAD,
  RTNH_F_LINKDOWN,
} from '../../../src/uapi/rtnetlink.ts';
import { formatIpv4, maskOf } from '../../../src/wire/addr.ts';
import { addr, type Host, L3Lab, ok, pair } from './l3-lab.ts';

let lab: L3Lab;

afterEach(() => lab.expectNothingLost());

const TYPES: Record<number, string> = {
  [RTN_LOCAL]: 'local ',
  [RTN_BROADCAST]: 'broadcast ',
  [RTN_UNREACHABLE]: 'unreachable ',
};

function show(host: Host, route: RouteMessage): string {
  const via = route.gateway === undefined ? '' : ` via ${formatIpv4(route.gateway)}`;
  const dev = route.oif === undefined ? '' : ` dev ${host.net.devByIndex(route.oif)?.name}`;
  const metric = route.priority === undefined ? '' : ` metric ${route.priority}`;
  const src = route.prefsrc === undefined ? '' : ` src ${formatIpv4(route.prefsrc)}`;
  const dead = (route.flags & RTNH_F_DEAD) !== 0 ? ' dead' : '';
  const down = (route.flags & RTNH_F_LINKDOWN) !== 0 ? ' linkdown' : '';
  return `${TYPES[route.type] ?? ''}${formatIpv4(route.dst)}/${route.dstLen}${via}${dev}${metric}${src}${dead}${down}`;
}

function table(host: Host, id = 254): string[] {
  const routes = host.task.rtnl.dumpRoutes({ table: id });
  if (isRefusal(routes)) throw new Error('no table');
  return routes.map((route) => show(host, route)).filter((line) => !line.includes(' dev lo'));
}

function get(host: Host, to: string): string {
  const route = host.task.rtnl.getRoute({ dst: addr(to) });
  return isRefusal(route) ? `error ${route.errno}` : show(host, route);
}

describe('a lookup', () => {
  it('finds the longest of many prefixes, as a search through all of them does', () => {
    lab = new L3Lab();
    const [a, b] = [lab.host(), lab.host()];
    lab.link(a, 'a0', '10.0.0.1/8', b, 'b0', '');
    const random = new Random(7);
    const routes: { dst: number; dstLen: number; gateway: number }[] = [];
    for (let i = 0; i < 400; i++) {
      const dstLen = 1 + random.below(32);
      // Few distinct bits, so that prefixes nest.
      const dst = ((0x0b00_0000 | (random.u32() & 0x00f0_f0f0)) & maskOf(dstLen)) >>> 0;
      if (dst >>> 24 !== 0x0b || routes.some((other) => other.dst === dst && other.dstLen === dstLen)) continue;
      const gateway = addr('10.1.0.0') + i;
      ok(a.task.rtnl.newRoute({ dst, dstLen, gateway, type: 1, scope: 0 }, NLM_F_CREATE));
      routes.push({ dst, dstLen, gateway });
    }
    const check = (): void => {
      for (let i = 0; i < 500; i++) {
        const dst = (0x0b00_0000 | (random.u32() & 0x00f0_f0f0)) >>> 0;
        const best = routes
          .filter((route) => ((dst ^ route.dst) & maskOf(route.dstLen)) === 0)
          .sort((x, y) => y.dstLen - x.dstLen)[0];
        const found = a.task.rtnl.getRoute({ dst });
        expect(isRefusal(found) ? undefined : found.gateway).toBe(best?.gateway);
      }
    };
    check();
    for (const { dst, dstLen } of routes.splice(0, routes.length / 2))
      ok(a.task.rtnl.delRoute({ dst, dstLen, scope: 255 }));
    check();
  });

  it('prefers the lower metric, and the next one when its device goes', () => {
    lab = new L3Lab();
    const [a, b] = [lab.host(), lab.host()];
    lab.link(a, 'a0', '10.0.0.1/24', b, 'b0', '');
    lab.link(a, 'a1', '10.1.0.1/24', b, 'b1', '');
    ok(a.route('10.9.0.0/16', '10.1.0.9', { priority: 200 }));
    ok(a.route('10.9.0.0/16', '10.0.0.9', { priority: 100 }));
    expect(get(a, '10.9.0.1')).toBe('10.9.0.1/32 via 10.0.0.9 dev a0 src 10.0.0.1');
    a.down('a0');
    expect(get(a, '10.9.0.1')).toBe('10.9.0.1/32 via 10.1.0.9 dev a1 src 10.1.0.1');
  });

  it('spreads flows over next hops by their weights, and leaves dead ones out', () => {
    lab = new L3Lab();
    const [a, b] = [lab.host(), lab.host()];
    lab.link(a, 'a0', '10.0.0.1/24', b, 'b0', '');
    lab.link(a, 'a1', '10.1.0.1/24', b, 'b1', '');
    const multipath = [
      { gateway: addr('10.0.0.9'), weight: 1, flags: 0 },
      { gateway: addr('10.1.0.9'), weight: 3, flags: 0 },
    ];
    ok(a.task.rtnl.newRoute({ dst: addr('10.9.0.0'), dstLen: 16, type: 1, scope: 0, multipath }, NLM_F_CREATE));
    const share = (): number => {
      let first = 0;
      for (let i = 0; i < 400; i++) if (get(a, formatIpv4(addr('10.9.0.0') + i)).includes('dev a0')) first++;
      return first / 400;
    };
    expect(share()).toBeGreaterThan(0.15);
    expect(share()).toBeLessThan(0.35);
    a.down('a0');
    expect(share()).toBe(0);
  });
});

describe('routes', () => {
  it('come and go with addresses, primary and secondary', () => {
    lab = new L3Lab();
    const [a, b] = [lab.host(), lab.host()];
    lab.link(a, 'a0', '', b, 'b0', '');
    ok(a.address('a0', '10.0.0.1/24', { broadcast: addr('10.0.0.255') }));
    ok(a.address('a0', '10.0.0.2/24'));
    ok(a.address('a0', '10.2.0.1/32'));
    expect(table(a)).toEqual(['10.0.0.0/24 dev a0 src 10.0.0.1']);
    expect(table(a, RT_TABLE_LOCAL)).toEqual([
      'local 10.0.0.1/32 dev a0 src 10.0.0.1',
      'local 10.0.0.2/32 dev a0 src 10.0.0.1',
      'broadcast 10.0.0.255/32 dev a0 src 10.0.0.1',
      'local 10.2.0.1/32 dev a0 src 10.2.0.1',
    ]);
    a.delAddress('a0', '10.0.0.1/24');
    expect(table(a, RT_TABLE_LOCAL)).toEqual(['local 10.2.0.1/32 dev a0 src 10.2.0.1']);
    a.sysctl('net/ipv4/conf/a0/promote_secondaries', 1);
    ok(a.address('a0', '10.0.0.1/24'));
    ok(a.address('a0', '10.0.0.2/24'));
    ok(a.route('10.9.0.0/16', undefined, { oif: a.dev('a0').ifindex, prefsrc: addr('10.0.0.1') }));
    a.delAddress('a0', '10.0.0.1/24');
    expect(table(a)).toEqual(['10.0.0.0/24 dev a0 src 10.0.0.2']);
  });

  it('are marked when the carrier goes, and gone when the device goes down', () => {
    const { a, b, ...rest } = pair();
    lab = rest.lab;
    ok(a.route('10.9.0.0/16', '10.0.0.9'));
    b.down('b0');
    lab.run(2);
    expect(table(a)).toEqual(['10.0.0.0/24 dev a0 src 10.0.0.1 linkdown', '10.9.0.0/16 via 10.0.0.9 dev a0 linkdown']);
    expect(get(a, '10.9.0.1')).toBe('10.9.0.1/32 via 10.0.0.9 dev a0 src 10.0.0.1');
    a.sysctl('net/ipv4/conf/all/ignore_routes_with_linkdown', 1);
    expect(get(a, '10.9.0.1')).toBe('error 101');
    expect(table(a)[0]).toBe('10.0.0.0/24 dev a0 src 10.0.0.1 dead linkdown');
    b.up('b0');
    lab.run(2);
    expect(get(a, '10.9.0.1')).toBe('10.9.0.1/32 via 10.0.0.9 dev a0 src 10.0.0.1');
    a.down('a0');
    expect(table(a)).toEqual([]);
    a.up('a0');
    expect(table(a)).toEqual(['10.0.0.0/24 dev a0 src 10.0.0.1']);
  });

  it('go when the address that they send from goes', () => {
    const { a, ...rest } = pair();
    lab = rest.lab;
    ok(a.address('a0', '10.7.0.1/24'));
    ok(a.route('10.9.0.0/16', undefined, { oif: a.dev('a0').ifindex, prefsrc: addr('10.7.0.1') }));
    a.delAddress('a0', '10.7.0.1/24');
    expect(table(a)).toEqual(['10.0.0.0/24 dev a0 src 10.0.0.1']);
  });

  it('of a temporary address go when its time is over', () => {
    const { a, ...rest } = pair();
    lab = rest.lab;
    ok(a.address('a0', '10.7.0.1/24', { validLft: 10, preferredLft: 5 }));
    lab.run(6);
    const [, temporary] = a.task.rtnl.dumpAddrs({ ifindex: a.dev('a0').ifindex });
    expect(temporary).toMatchObject({ validLft: 4, preferredLft: 0, flags: 0x20 });
    lab.run(5);
    expect(a.task.rtnl.dumpAddrs({ ifindex: a.dev('a0').ifindex })).toHaveLength(1);
    expect(table(a)).toEqual(['10.0.0.0/24 dev a0 src 10.0.0.1']);
  });
});

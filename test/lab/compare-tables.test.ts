/** Tables and counters of two machines compared. */
import { describe, expect, it } from 'vitest';
import { compareCounters, compareTables } from '../../src/lab/compare-tables.ts';
import { parseTables, TABLES_SCRIPT } from '../../src/lab/observation.ts';
import { TwinMachine } from '../../src/lab/twin-machine.ts';
import { tablesOf } from './tables.ts';

describe('tables of two machines', () => {
  it('agree in any order of entries and of fields', () => {
    const one = tablesOf({
      'ip neigh': [
        { dst: '10.0.0.1', dev: 'v0' },
        { dst: '10.0.0.2', dev: 'v0' },
      ],
    });
    const other = tablesOf({
      'ip neigh': [
        { dev: 'v0', dst: '10.0.0.2' },
        { dst: '10.0.0.1', dev: 'v0' },
      ],
    });
    expect(compareTables(one, other)).toEqual({ entries: 2, agreeing: 2, differences: [] });
  });

  it('differ in a field: both entries are shown by it and by what they are about', () => {
    const entry = (state: string) =>
      tablesOf({ 'ip neigh': [{ dst: '10.0.0.1', dev: 'v0', lladdr: 'x', state: [state] }] });
    expect(compareTables(entry('STALE'), entry('REACHABLE'))).toEqual({
      entries: 1,
      agreeing: 0,
      differences: [
        {
          place: 'ip neigh',
          lines: [
            { kind: 'first', text: 'dst 10.0.0.1, dev v0, state ["STALE"]' },
            { kind: 'second', text: 'dst 10.0.0.1, dev v0, state ["REACHABLE"]' },
          ],
        },
      ],
    });
  });

  it('differ in a namespace that one has not', () => {
    const one = tablesOf({ links: [{ ifname: 'lo' }] });
    const other = { ...one, namespaces: [...one.namespaces, { ...one.namespaces[0]!, namespace: 'ns1' }] };
    expect(compareTables(one, other)).toMatchObject({
      entries: 2,
      agreeing: 1,
      differences: [{ place: 'ip link in ns1' }],
    });
  });

  it('agree when only the random addresses differ, also where a bridge has that of another port', () => {
    const bridge = (lender: string, a: string, b: string) =>
      tablesOf({
        links: [
          { ifname: 'br0', address: lender },
          { ifname: 'p0', master: 'br0', address: a },
          { ifname: 'p1', master: 'br0', address: b },
        ],
        'bridge fdb': [
          { mac: a, ifname: 'p0' },
          { mac: b, ifname: 'p1' },
        ],
      });
    const one = bridge('1a:00:00:00:00:01', '1a:00:00:00:00:01', '2a:00:00:00:00:02');
    const other = bridge('3a:00:00:00:00:04', '4a:00:00:00:00:03', '3a:00:00:00:00:04');
    expect(compareTables(one, other)).toMatchObject({ entries: 5, agreeing: 5 });
  });

  it('leave out VLAN 1 of every port only where one kernel has no VLAN filtering', () => {
    const fdb = { mac: '02:00:00:00:00:01', ifname: 'p0', vlan: 1 };
    const vlan = { ifname: 'p0', vlans: [{ vlan: 1 }] };
    const filtering = tablesOf({ 'bridge fdb': [fdb], 'bridge vlan': [vlan] });
    expect(compareTables(tablesOf({}), filtering)).toMatchObject({ entries: 0, differences: [] });
    const without = tablesOf({ 'bridge vlan': [vlan] });
    expect(compareTables(without, filtering)).toMatchObject({ entries: 2, agreeing: 1 });
  });
});

describe('counters of two machines', () => {
  const link = (packets: number, dropped: number, more = {}) => ({
    ifname: 'v0',
    stats64: { rx: { packets }, tx: { dropped } },
    ...more,
  });

  it('are compared one by one', () => {
    expect(compareCounters(tablesOf({ links: [link(1, 2)] }), tablesOf({ links: [link(3, 2)] }))).toEqual({
      entries: 2,
      agreeing: 1,
      differences: [
        {
          place: 'v0',
          lines: [
            { kind: 'first', text: 'rx packets 1' },
            { kind: 'second', text: 'rx packets 3' },
          ],
        },
      ],
    });
  });

  it('leave out drops on a device that was never up between Linux 6.1 and 6.18', () => {
    const down = (dropped: number, release: string) =>
      tablesOf({ release, links: [link(0, dropped, { qdisc: 'noop' })] });
    expect(compareCounters(down(3, '6.18.1'), down(0, '6.1.176'))).toMatchObject({ entries: 1, agreeing: 1 });
    expect(compareCounters(down(3, '6.18.1'), down(0, '6.18.2'))).toMatchObject({ entries: 2, agreeing: 1 });
  });
});

describe('the tables of a machine', () => {
  it('are listed for every namespace', async () => {
    const machine = new TwinMachine({ seed: 1, terminal: false, tables: true, sink: () => undefined });
    await machine.command(
      'ip netns add ns1; ip link add v0 type veth peer name v1 netns ns1; ip addr add 10.0.0.1/24 dev v0',
    );
    const { tables } = await machine.stop();
    expect(tables?.release).toMatch(/^6\.18/);
    expect(tables?.namespaces.map(({ namespace }) => namespace)).toEqual([undefined, 'ns1']);
    expect(tables?.namespaces[0]?.tables['ip link'].map(({ ifname }) => ifname)).toEqual(['lo', 'v0']);
    expect(tables?.namespaces[1]?.tables['ip link'].map(({ ifname }) => ifname)).toEqual(['lo', 'v1']);
    expect(tables?.namespaces[0]?.tables['ip addr'][1]?.['addr_info']).toMatchObject([{ local: '10.0.0.1' }]);
  });

  it('are read from what the script prints, and one that could not be listed is empty', () => {
    expect(TABLES_SCRIPT).toContain('ip -j -s link show');
    const text =
      'noise\nhairpin-table\tns1\tip neigh\nnot json\nhairpin-table\tns1\tip route\n[{"dst":"default"},{}]\n';
    expect(parseTables(text)).toMatchObject({
      release: '',
      namespaces: [{ namespace: 'ns1', tables: { 'ip neigh': [], 'ip route': [{ dst: 'default' }] } }],
    });
  });
});

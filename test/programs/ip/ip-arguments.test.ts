/** Texts and statuses: iproute2 6.1.0 on Linux 6.18. */
import { describe, expect, it } from 'vitest';
import { ip } from '../../../src/programs/ip/ip.ts';
import { ENODEV } from '../../../src/uapi/errno.ts';
import { refuse } from '../../../src/uapi/result.ts';
import type { LinkMessage, Rtnetlink } from '../../../src/uapi/rtnetlink.ts';
import { runWith } from './fake-process.ts';

const DEVICES = ['lo', 'va', 'b', 'br0'];
const device = (ifname: string): LinkMessage =>
  ({ ifindex: DEVICES.indexOf(ifname) + 1, ifname, flags: 0, address: 2 }) as LinkMessage;

/** A socket that takes every request and keeps it. */
function recorder(): { rtnl: Partial<Rtnetlink>; sent: unknown[] } {
  const sent: unknown[] = [];
  const keep =
    (name: string) =>
    (...parts: unknown[]): undefined => {
      sent.push([name, ...parts]);
    };
  return {
    sent,
    rtnl: {
      newLink: keep('newLink'),
      delLink: keep('delLink'),
      linkProp: keep('linkProp'),
      newAddr: keep('newAddr'),
      delAddr: keep('delAddr'),
      dumpAddrs: () => [],
      dumpLinks: () => [],
      getLink: ({ ifname, ifindex }) => {
        const name = ifname ?? DEVICES[ifindex! - 1];
        return name !== undefined && DEVICES.includes(name) ? device(name) : refuse(ENODEV);
      },
    },
  };
}

const words = (line: string): string[] => line.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', ''));

describe('ip complains about a wrong command line as iproute2 does', () => {
  it.each([
    ['ip foo', 1, 'Object "foo" is unknown, try "ip help".'],
    ['ip -foo', 255, 'Option "-foo" is unknown, try "ip -help".'],
    ['ip -b /nosuch', 1, 'Cannot open file "/nosuch" for reading: No such file or directory'],
    ['ip -n nosuch link', 255, 'Cannot open network namespace "nosuch": No such file or directory'],
    ['ip -n', 255, 'Command line is not complete. Try option "help"'],
    ['ip link foo', 255, 'Command "foo" is unknown, try "ip link help".'],
    ['ip link add', 1, 'Not enough information: "type" argument is required'],
    ['ip link add x', 1, 'Not enough information: "type" argument is required'],
    ['ip link add a type veth', 1, '"type" is invalid lladdr.'],
    ['ip link add m type veth peer name n', 255, 'Error: argument "type" is wrong: Device does not exist\n'],
    [
      'ip link add name toolongname1234567 type veth',
      255,
      'Error: argument "toolongname1234567" is wrong: "name" not a valid ifname',
    ],
    ['ip link add "a b" type veth', 255, 'Error: argument "a b" is wrong: "dev" not a valid ifname'],
    ['ip link add d1 type foo bar', 1, 'Garbage instead of arguments "bar ...". Try "ip link help".'],
    ['ip link add x link nosuch type macvlan', 1, 'Cannot find device "nosuch"'],
    [
      'ip link add x type macvlan mode foo',
      1,
      'Error: argument of "mode" must be "private", "vepa", "bridge", "passthru" or "source", not "foo"',
    ],
    ['ip link add group 5 type veth', 255, 'group cannot be used when creating devices.'],
    ['ip link set', 255, 'Not enough information: "dev" argument is required.'],
    ['ip link set a', 255, 'Command line is not complete. Try option "help"'],
    ['ip link set nosuch up', 1, 'Cannot find device "nosuch"'],
    ['ip link set va b up', 1, '"up" is invalid lladdr.'],
    ['ip link set va foo', 255, 'Error: either "dev" is duplicate, or "foo" is a garbage.'],
    ['ip link set va address 1:2:3', 1, 'Invalid address length 3 - must be 6 bytes'],
    ['ip link set va mtu x', 255, 'Error: argument "x" is wrong: Invalid "mtu" value\n'],
    ['ip link set va arp maybe', 1, 'Error: argument of "arp" must be "on" or "off", not "maybe"'],
    ['ip link set va master nosuch', 255, 'Error: argument "nosuch" is wrong: Device does not exist\n'],
    ['ip link set va netns nosuch', 255, 'Error: argument "nosuch" is wrong: Invalid "netns" value\n'],
    [
      'ip link set va index 5',
      255,
      'index can be used only when creating devices or when moving device to another netns.',
    ],
    ['ip link set group nosuchgroup up', 255, 'Error: argument "nosuchgroup" is wrong: Invalid "group" value\n'],
    ['ip link set va carrier x', 22, 'Error: argument of "carrier" must be one of "off", "on", not "x"'],
    ['ip link show nosuch', 1, 'Device "nosuch" does not exist.'],
    ['ip link del', 255, 'Not enough information: "dev" argument is required.'],
    ['ip addr show dev nosuch up', 1, 'Device "nosuch" does not exist.'],
    ['ip addr add 1.1.1.1', 1, 'Not enough information: "dev" argument is required.'],
    ['ip addr add dev va', 2, 'RTNETLINK answers: Operation not supported'],
    ['ip addr add 300.1.1.1/24 dev va', 1, 'Error: any valid prefix is expected rather than "300.1.1.1/24".'],
    ['ip -4 addr add 1.1.1.1/33 dev va', 1, 'Error: inet prefix is expected rather than "1.1.1.1/33".'],
    [
      'ip addr add 1.1.1.1/24 1.1.1.2/24 dev va',
      255,
      'Error: either "local" is duplicate, or "1.1.1.2/24" is a garbage.',
    ],
    ['ip addr add 2001:db8::1/64 dev va', 2, 'Error: ipv6: IPv6 is disabled on this device.'],
    ['ip -6 addr del 2001:db8::1/64 dev va', 2, 'Error: ipv6: address not found.'],
    ['ip addr flush', 1, 'Flush requires arguments.'],
    ['ip netns foo', 255, 'Command "foo" is unknown, try "ip netns help".'],
    ['ip netns exec', 1, 'No netns name specified'],
    ['ip netns exec n1', 1, 'No command specified'],
    ['ip netns exec nosuch ls', 255, 'Cannot open network namespace "nosuch": No such file or directory'],
    ['ip netns add a/b', 255, 'Invalid netns name "a/b"'],
    ['ip tunnel', 1, 'ip: "tunnel" is not modelled'],
  ])('%s', async (line, status, text) => {
    const { rtnl, sent } = recorder();
    const run = await runWith(ip, words(line), rtnl);
    expect(run).toEqual({ status, stdout: '', stderr: `${text}\n` });
    expect(sent).toEqual([]);
  });

  it('stops a batch at the first command that fails, unless forced', async () => {
    const files = { '/batch': 'link show nosuch # none\n\nlink set va \\\n  up\nroute badd' };
    const stopped = recorder();
    expect(await runWith(ip, words('ip -b /batch'), stopped.rtnl, files)).toEqual({
      status: 1,
      stdout: '',
      stderr: 'Device "nosuch" does not exist.\nCommand failed /batch:1\n',
    });
    const forced = recorder();
    const run = await runWith(ip, words('ip -force -batch /batch'), forced.rtnl, files);
    expect(forced.sent).toEqual([['newLink', { change: 1, flags: 1, ifindex: 2 }, 0]]);
    expect(run.status).not.toBe(0);
  });
});

const EXCL_CREATE = 0x600;

describe('ip sends what the words mean', () => {
  it.each([
    ['ip l s va up', ['newLink', { ifindex: 2, flags: 1, change: 1 }, 0]],
    ['ip link set dev va name q down', ['newLink', { ifindex: 2, ifname: 'q', flags: 0, change: 1 }, 0]],
    ['ip link set va promisc on arp off', ['newLink', { ifindex: 2, flags: 0x180, change: 0x180 }, 0]],
    ['ip li set va master br0', ['newLink', { ifindex: 2, master: 4 }, 0]],
    ['ip link set va nomaster', ['newLink', { ifindex: 2, master: 0 }, 0]],
    ['ip link set group 7 up', ['newLink', { group: 7, flags: 1, change: 1 }, 0]],
    ['ip link set va netns 77', ['newLink', { ifindex: 2, netnsPid: 77 }, 0]],
    [
      'ip link add dev x numtxqueues 4 txqueuelen 5 type veth peer y mtu 900',
      [
        'newLink',
        {
          ifname: 'x',
          numTxQueues: 4,
          txqlen: 5,
          linkinfo: { kind: 'veth', data: { peer: { ifname: 'y', mtu: 900 } } },
        },
        EXCL_CREATE,
      ],
    ],
    [
      'ip link add link va x type vlan proto 802.1ad id 11 reorder_hdr off ingress-qos-map 1:2 3:4 gvrp on',
      [
        'newLink',
        {
          ifname: 'x',
          link: 2,
          linkinfo: {
            kind: 'vlan',
            data: {
              protocol: 0x88a8,
              id: 11,
              flags: { flags: 2, mask: 3 },
              ingressQos: [
                { from: 1, to: 2 },
                { from: 3, to: 4 },
              ],
            },
          },
        },
        EXCL_CREATE,
      ],
    ],
    [
      'ip link add x link va address 2:0:0:0:0:1 type macvlan mode passthru nopromisc bcqueuelen 0x10',
      [
        'newLink',
        {
          ifname: 'x',
          link: 2,
          address: 0x020000000001,
          linkinfo: { kind: 'macvlan', data: { mode: 8, flags: 1, bcQueueLen: 16 } },
        },
        EXCL_CREATE,
      ],
    ],
    [
      'ip link set va type macvlan macaddr set 2:0:0:0:0:1 2:0:0:0:0:2',
      [
        'newLink',
        {
          ifindex: 2,
          linkinfo: { kind: 'macvlan', data: { macaddrMode: 3, macaddrData: [0x020000000001, 0x020000000002] } },
        },
        0,
      ],
    ],
    [
      'ip link set br0 type bridge ageing_time 0 mcast_sn 0 no_linklocal_learn 1',
      [
        'newLink',
        { ifindex: 4, linkinfo: { kind: 'bridge', data: { ageingTime: 0, mcastSnooping: 0, noLinklocalLearn: 1 } } },
        0,
      ],
    ],
    [
      'ip link set va type bridge_slave hairpin on state 3',
      ['newLink', { ifindex: 2, linkinfo: { kind: 'bridge_slave', slaveData: { mode: 1, state: 3 } } }, 0],
    ],
    ['ip link del dev va type veth', ['delLink', { ifindex: 2, linkinfo: { kind: 'veth' } }]],
    ['ip link property add dev va altname q', ['linkProp', 2, ['q'], true]],
    [
      'ip a a 10.8/16 brd + dev va',
      [
        'newAddr',
        { ifindex: 2, prefixlen: 16, local: 0x0a080000, address: 0x0a080000, broadcast: 0x0a08ffff, scope: 0 },
        EXCL_CREATE,
      ],
    ],
    [
      'ip addr add 127.0.0.2/255.0.0.0 dev lo noprefixroute',
      [
        'newAddr',
        { ifindex: 1, prefixlen: 8, local: 0x7f000002, address: 0x7f000002, scope: 254, flags: 0x200 },
        EXCL_CREATE,
      ],
    ],
    [
      'ip addr replace 10.0.0.1 peer 10.0.0.2/24 dev va valid_lft 9 preferred_lft 5 metric 3 label va:1',
      [
        'newAddr',
        {
          ifindex: 2,
          prefixlen: 24,
          local: 0x0a000001,
          address: 0x0a000002,
          scope: 0,
          validLft: 9,
          preferredLft: 5,
          metric: 3,
          label: 'va:1',
        },
        0x500,
      ],
    ],
    [
      'ip addr del 10.0.0.1/24 dev va',
      ['delAddr', { ifindex: 2, prefixlen: 24, local: 0x0a000001, address: 0x0a000001 }],
    ],
  ])('%s', async (line, request) => {
    const { rtnl, sent } = recorder();
    const run = await runWith(ip, words(line), rtnl);
    expect(run).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(sent).toEqual([request]);
  });

  it('deletes by wildcard, with a warning, when an address has no length', async () => {
    const { rtnl, sent } = recorder();
    const run = await runWith(ip, words('ip addr del 1.1.1.1 dev va'), rtnl);
    expect(run.stderr).toContain('Explicitly specify the prefix length (1.1.1.1/32) to avoid this warning.\n');
    expect(sent).toEqual([['delAddr', { ifindex: 2, prefixlen: 32, local: 0x01010101 }]]);
  });
});

/** Looking at what has become of the network, with all tools and in all their forms. */
import type { Step } from './links.ts';
import type { World } from './world.ts';

const someNamespace = (world: World): string => world.choice.pick(world.namespaces);

/** Lines whose order follows from a hash with a random key are sorted. */
const SORTED = ' | sort';

const links: Step = (world) => {
  const { choice } = world;
  const ns = someNamespace(world);
  const flags = choice.pick(['', '-d', '-s', '-br', '-o', '-d -s', '-s -s', '-j', '-j -d', '-j -p', '-d -o', '-br -j']);
  const here = world.among((device) => device.ns === ns);
  const which = choice.weighted([
    [6, () => ''],
    [4, () => `show dev ${world.nameOf(choice.pick(here))}`],
    [1, () => `show ${choice.pick(here).name}`],
    [
      1,
      () =>
        `show type ${choice.pick(['veth', 'bridge', 'macvlan', 'bridge_slave', 'x', ...(world.profile.vlan ? ['vlan'] : [])])}`,
    ],
    [1, () => 'show up'],
    [1, () => `show master ${world.of('bridge').name}`],
    [1, () => 'show nomaster'],
    [1, () => 'show group default'],
  ])();
  world.run(`${world.ip(ns)} ${flags} ${choice.pick(['link', 'link', 'l'])} ${which}`);
};

const addresses: Step = (world) => {
  const { choice } = world;
  const ns = someNamespace(world);
  const flags = choice.pick(['', '', '-4', '-br', '-o', '-j', '-d', '-4 -o', '-s', '-br -4', '-j -p']);
  const which = choice.weighted([
    [6, () => ''],
    [3, () => `show dev ${choice.pick(world.among((device) => device.ns === ns)).name}`],
    [1, () => 'show up'],
    [1, () => 'show scope global'],
    [1, () => 'show to 10.0.0.0/24'],
    [1, () => 'show primary'],
    [1, () => 'show permanent'],
  ])();
  world.run(`${world.ip(ns)} ${flags} ${choice.pick(['addr', 'a', 'address'])} ${which}`);
};

const routes: Step = (world) => {
  const { choice } = world;
  const ns = someNamespace(world);
  const flags = choice.pick(['', '', '', '-d', '-j', '-o', '-4', '-N']);
  const which = choice.weighted([
    [6, () => ''],
    [4, () => 'show table local'],
    [3, () => 'show table all'],
    [1, () => 'show table 100'],
    [1, () => 'show match 10.0.2.2'],
    [1, () => 'show root 10.0.0.0/16'],
    [1, () => `show dev ${choice.pick(world.among((device) => device.ns === ns)).name}`],
    [1, () => 'show type unicast'],
    [1, () => 'show scope link'],
    [1, () => 'show exact 10.0.0.0/24'],
  ])();
  world.run(`${world.ip(ns)} ${flags} route ${which}`);
};

const neighbours: Step = (world) => {
  const { choice } = world;
  const ns = someNamespace(world);
  const flags = choice.pick(['', '', '-4', '-d', '-o', '-br']);
  const which = choice.pick(['', '', '', 'show proxy', 'show nud all', 'show nud stale', 'show nud permanent']);
  world.run(`${world.ip(ns)} ${flags} ${choice.pick(['neigh', 'n'])} ${which}${SORTED}`);
};

const bridges: Step = (world) => {
  const { choice } = world;
  const bridge = world.of('bridge');
  const tool = world.bridge(bridge.ns);
  const what = choice.weighted([
    [4, () => `${tool} fdb show${SORTED}`],
    [2, () => `${tool} fdb show br ${bridge.name}${SORTED}`],
    [1, () => `${tool} fdb show dev ${choice.pick(world.devices).name}${SORTED}`],
    [1, () => `${tool} fdb show brport ${world.device(({ master }) => master !== undefined).name}${SORTED}`],
    [1, () => `${tool} fdb show dynamic${SORTED}`],
    [3, () => `${tool} link`],
    [3, () => `${tool} -d link`],
    [1, () => `${tool} -j link`],
    [1, () => `${tool} link show dev ${world.device(({ master }) => master !== undefined).name}`],
    ...(world.profile.vlan ? ([[1, () => `${tool} vlan`]] as const) : []),
    [1, () => `${tool} mdb`],
    [1, () => `${world.exec(bridge.ns)}brctl show`],
    [1, () => `${world.exec(bridge.ns)}brctl showstp ${bridge.name}`],
    [1, () => `${world.ip(bridge.ns)} -d link show type bridge_slave`],
  ])();
  world.run(what);
};

const SYSFS_FILES = [
  ...['operstate', 'carrier', 'mtu', 'address', 'flags', 'ifindex', 'iflink', 'addr_assign_type', 'tx_queue_len'],
  ...['dormant', 'link_mode', 'proto_down', 'duplex', 'speed', 'uevent'],
];

const files: Step = (world) => {
  const { choice } = world;
  const device = world.device(() => true);
  const exec = world.exec(device.ns);
  const what = choice.weighted([
    [
      3,
      () =>
        `grep . /sys/class/net/${device.name}/statistics/{rx,tx}_{packets,bytes,dropped,errors} /sys/class/net/${device.name}/statistics/multicast`,
    ],
    [
      2,
      () =>
        `cat /sys/class/net/${device.name}/${choice.pick(world.profile.current ? [...SYSFS_FILES, 'carrier_changes'] : SYSFS_FILES)}`,
    ],
    [1, () => 'ls /sys/class/net'],
    [
      1,
      () =>
        `grep . /sys/class/net/${device.name}/brport/{state,hairpin_mode,isolated,path_cost,priority,learning,port_no}`,
    ],
    [
      1,
      () =>
        `grep . /sys/class/net/${device.name}/bridge/{bridge_id,root_id,ageing_time,forward_delay,stp_state,group_fwd_mask,group_addr}`,
    ],
    [2, () => 'cat /proc/net/dev'],
    [1, () => 'cat /proc/net/route'],
    [1, () => `cat /proc/net/arp${SORTED}`],
    [2, () => 'grep ^Icmp /proc/net/snmp'],
    [2, () => 'grep ^Ip: /proc/net/snmp'],
    [1, () => 'grep ^Udp: /proc/net/snmp'],
    [1, () => 'cat /proc/net/dev_mcast'],
    [1, () => 'cat /proc/net/igmp'],
    [
      1,
      () =>
        `sysctl net.ipv4.conf.${device.name}.${choice.pick(['forwarding', 'rp_filter', 'arp_ignore', 'proxy_arp', 'send_redirects'])}`,
    ],
  ])();
  const quoted = exec === '' ? what : `${exec}bash -c "${what}"`;
  world.run(quoted);
};

const firewall: Step = (world) => {
  const { choice, iptables } = world;
  const ns = someNamespace(world);
  const table = choice.pick(['', '', '-t nat', '-t mangle', '-t raw']);
  const how = choice.pick([
    '-nvL',
    '-nL',
    '-S',
    '-nvxL',
    '-nvL --line-numbers',
    '-nvL FORWARD',
    '-L -n -v -x',
    '-S -v',
  ]);
  world.run(`${world.exec(ns)}${iptables} ${table} ${how}`);
};

const others: Step = (world) => {
  const { choice } = world;
  const ns = someNamespace(world);
  const exec = world.exec(ns);
  const here = choice.pick(world.among((device) => device.ns === ns));
  const what = choice.weighted([
    [2, () => `${exec}ifconfig ${choice.pick(['', '-a', '-s', here.name])}`],
    [2, () => `${exec}route -n`],
    [1, () => `${exec}route -ne`],
    [2, () => `${exec}arp -n${SORTED}`],
    [1, () => `${exec}arp -an${SORTED}`],
    [2, () => `${world.ip(ns)} maddr show`],
    [1, () => `${world.ip(ns)} -j maddr show dev ${here.name}`],
    [1, () => `${world.ip(ns)} netns list-id`],
    [1, () => 'ip netns'],
  ])();
  world.run(what);
};

export function observationSteps(world: World): readonly (readonly [number, Step])[] {
  return [
    [12, links],
    [6, addresses],
    [6, routes],
    [6, neighbours],
    ...(world.devices.some(({ kind }) => kind === 'bridge') ? ([[9, bridges]] as const) : []),
    [7, files],
    ...(world.commands.some((command) => command.includes('iptables')) ? ([[6, firewall]] as const) : []),
    [3, others],
  ];
}

/** Addresses, neighbours, routes, rules and settings of IPv4. */
import type { Step } from './links.ts';
import type { Device, World } from './world.ts';

const hosts = ({ kind, up, master }: Device): boolean => kind !== 'lo' && up === true && master === undefined;

function freshAddress(world: World): string {
  const { choice } = world;
  const length = world.value(['24', '24', '24', '32', '25', '31', '16', '30'], ['33', '0', '-1']);
  return `10.0.${choice.between(0, 3)}.${choice.between(1, 254)}/${length}`;
}

const isAddress = (text: string): boolean =>
  text
    .split('/')[0]!
    .split('.')
    .every((byte) => Number(byte) < 256);

const addAddress: Step = (world) => {
  const { choice } = world;
  const device = world.device((one) => hosts(one) || one.kind === 'lo');
  const address = world.value(
    [freshAddress(world), freshAddress(world), ...device.addresses],
    ['10.0.0.300/24', '224.0.0.5/24', '0.0.0.0/24', '255.255.255.255/32', '10.0.0/24', '127.0.0.5/8'],
  );
  const options = [
    choice.maybe(0.25, () => `brd ${world.value(['+', '-', '10.0.0.255'], ['x', '10.0.0.256'])}`),
    choice.maybe(0.15, () => `scope ${world.value(['link', 'host', 'global', '100'], ['x', '300'])}`),
    choice.maybe(0.1, () => `label ${world.value([`${device.name}:1`, `${device.name}:web`], ['other:1', 'x'])}`),
    choice.maybe(0.08, () => `metric ${choice.pick(['5', '100'])}`),
    choice.maybe(0.08, () => choice.pick(['noprefixroute', 'nodad', 'home', 'mngtmpaddr'])),
    choice.maybe(
      0.06,
      () => `valid_lft ${choice.pick(['forever', '3000', '0'])} preferred_lft ${choice.pick(['forever', '0'])}`,
    ),
  ].join('');
  const peer = choice.chance(0.08);
  const what = peer ? `${address.replace(/\/.*/, '')} peer ${freshAddress(world)}` : address;
  const verb = choice.weighted([
    [8, () => 'add'],
    [1, () => 'replace'],
    [1, () => 'change'],
  ])();
  world.run(`${world.ip(device.ns)} addr ${verb} ${what} dev ${world.nameOf(device)}${options}`);
  // What is no address would be taken for a name, and the machine's resolver asked for it.
  if (isAddress(address)) device.addresses.push(address);
  if (device.kind !== 'lo') world.hasty(device.ns, device.name);
};

const deleteAddress: Step = (world) => {
  const { choice } = world;
  const device = world.device(({ addresses }) => addresses.length > 0);
  const ip = world.ip(device.ns);
  if (choice.chance(0.15)) {
    const filter = choice.pick(['', 'scope link', 'secondary', 'primary', 'to 10.0.0.0/24', 'label x']);
    world.run(`${ip} addr flush dev ${world.nameOf(device)} ${filter}`);
    return;
  }
  const known = device.addresses.length > 0 ? device.addresses : ['10.0.0.1/24'];
  const address = world.value(known, ['10.3.3.3/24', '10.0.0.1', '10.0.0.1/25']);
  world.run(`${ip} addr del ${address} dev ${world.nameOf(device)}`);
  device.addresses = device.addresses.filter((one) => one !== address);
};

const STATES = ['permanent', 'noarp', 'reachable', 'stale', 'probe', 'failed', 'incomplete', 'none'];

const neighbour: Step = (world) => {
  const { choice } = world;
  const device = world.device(hosts);
  const ip = world.ip(device.ns);
  const target = world.someAddress();
  const name = world.nameOf(device);
  const state = choice.maybe(0.6, () => `nud ${world.value(STATES, ['x', '256'])}`);
  const mac = choice.maybe(0.85, () => `lladdr ${world.someMac()}`);
  const what = choice.weighted([
    [7, () => `add ${target}${mac} dev ${name}${state}`],
    [5, () => `replace ${target}${mac} dev ${name}${state}`],
    [3, () => `change ${target}${mac} dev ${name}${state}`],
    [4, () => `del ${target} dev ${name}`],
    [2, () => `add proxy ${target} dev ${name}`],
    [1, () => `del proxy ${target} dev ${name}`],
    [2, () => `flush dev ${name}${choice.maybe(0.4, () => `nud ${choice.pick(STATES)}`)}`],
    [1, () => `get ${target} dev ${name}`],
    [1, () => `show proxy`],
    [1, () => `append ${target}${mac} dev ${name}`],
    [1, () => `add ${target}${mac} dev ${name} ${choice.pick(['router', 'use', 'extern_learn'])}`],
  ])();
  if (/ nud (probe|incomplete|delay)/.test(what)) world.hasty(device.ns, name);
  world.run(`${ip} neigh ${what}`);
  // Timers run, and what has changed is not changed again within a second (locktime).
  if (/^(add|replace|change|append) /.test(what)) world.calm();
};

function destination(world: World): string {
  return world.value(
    [
      'default',
      '10.0.0.0/24',
      '10.0.1.0/24',
      '10.0.2.0/24',
      '10.0.3.0/24',
      '10.5.0.0/16',
      '10.0.2.2',
      '10.0.2.2/32',
      '0.0.0.0/1',
      '10.9.9.9',
    ],
    ['10.0.0.1/24', '10.0.0.0/33', '256.0.0.0/8', '224.0.0.0/4', '127.0.0.0/8', 'nonsense'],
  );
}

const route: Step = (world) => {
  const { choice } = world;
  const device = world.device((one) => hosts(one) && one.addresses.length > 0);
  const ip = world.ip(device.ns);
  const name = world.nameOf(device);
  const via = () => world.someAddress(({ ns }) => ns !== device.ns);
  const own = () => world.someAddress(({ ns }) => ns === device.ns);
  const verb = choice.weighted([
    [10, () => 'add'],
    [3, () => 'replace'],
    [2, () => 'append'],
    [1, () => 'prepend'],
    [1, () => 'change'],
    [5, () => 'del'],
  ])();
  // No routes with several next hops: which one is taken follows from a hash with a key drawn at boot.
  const way = choice.weighted([
    [8, () => `via ${via()}${choice.maybe(0.5, () => `dev ${name}`)}`],
    [5, () => `dev ${name}`],
    [2, () => `via ${via()} dev ${name} onlink`],
    [1, () => ''],
  ])();
  const options = [
    choice.maybe(0.2, () => `metric ${world.value(['0', '10', '100', '4294967295'], ['x', '-1'])}`),
    choice.maybe(0.15, () => `src ${own()}`),
    choice.maybe(0.12, () => `table ${world.value(['100', 'main', 'local', '253'], ['x'])}`),
    choice.maybe(0.1, () => `scope ${world.value(['link', 'host', 'global'], ['x'])}`),
    choice.maybe(0.06, () => `proto ${choice.pick(['static', 'kernel', 'boot', '42'])}`),
    choice.maybe(0.05, () => `tos ${choice.pick(['0x10', '8', '0x11'])}`),
    choice.maybe(0.08, () =>
      choice.pick([
        'mtu 1300',
        'mtu lock 1200',
        'advmss 500',
        'hoplimit 9',
        'window 1000',
        'initcwnd 4',
        'rto_min 50ms',
        'quickack 1',
      ]),
    ),
  ].join('');
  const type = choice.weighted([
    [12, () => ''],
    [1, () => 'blackhole'],
    [1, () => 'unreachable'],
    [1, () => 'prohibit'],
    [1, () => 'throw'],
    [1, () => 'local'],
    [1, () => 'broadcast'],
    [1, () => 'multicast'],
    [1, () => 'nat'],
  ])();
  const bare = ['blackhole', 'unreachable', 'prohibit', 'throw'].includes(type) && choice.chance(0.85);
  world.run(`${ip} route ${verb} ${type} ${destination(world)} ${bare ? '' : way}${options}`);
};

const routeGet: Step = (world) => {
  const { choice } = world;
  const device = world.device((one) => hosts(one) && one.addresses.length > 0);
  const options = [
    choice.maybe(0.2, () => `from ${world.someAddress()}`),
    choice.maybe(0.15, () => `oif ${world.nameOf(device)}`),
    choice.maybe(0.2, () => `iif ${world.nameOf(device)}`),
    choice.maybe(0.1, () => 'mark 7'),
    choice.maybe(0.1, () => 'fibmatch'),
    choice.maybe(0.05, () => 'tos 0x10'),
    choice.maybe(0.05, () => 'ipproto udp sport 5 dport 6'),
  ].join('');
  const flags = choice.maybe(0.15, () => choice.pick(['-d', '-j', '-o', '-j -p']));
  world.run(`${world.ip(device.ns)}${flags} route get ${world.someAddress()}${options}`);
};

const flushRoutes: Step = (world) => {
  const { choice } = world;
  const device = world.device(hosts);
  const what = choice.pick([
    'flush cache',
    'flush table 100',
    `flush dev ${device.name}`,
    'flush 10.0.2.0/24',
    'flush proto static',
  ]);
  world.run(`${world.ip(device.ns)} route ${what}`);
};

const SWITCHES = [
  'forwarding',
  'forwarding',
  'proxy_arp',
  'proxy_arp',
  'proxy_arp_pvlan',
  'accept_local',
  'route_localnet',
  'arp_filter',
  'arp_notify',
  'arp_evict_nocarrier',
  'drop_gratuitous_arp',
  'drop_unicast_in_l2_multicast',
  'ignore_routes_with_linkdown',
  'promote_secondaries',
  'accept_redirects',
  'send_redirects',
  'secure_redirects',
  'shared_media',
  'bc_forwarding',
  'src_valid_mark',
  'accept_source_route',
  'log_martians',
];

const setting: Step = (world) => {
  const { choice } = world;
  const device = world.device(hosts);
  const where = choice.pick(['all', 'default', device.name, device.name, device.name]);
  const conf = (name: string, values: readonly string[]) =>
    `net.ipv4.conf.${where}.${name}=${world.value(values, ['-1', '99', 'x', ''])}`;
  const what = choice.weighted([
    [12, () => conf(choice.pick(SWITCHES), ['0', '1', '1'])],
    [4, () => conf('arp_ignore', ['0', '1', '2', '3', '8'])],
    [4, () => conf('arp_announce', ['0', '1', '2'])],
    [4, () => conf('rp_filter', ['0', '1', '2'])],
    [2, () => conf('arp_accept', ['0', '1', '2'])],
    [2, () => `net.ipv4.ip_forward=${world.value(['0', '1'], ['2', 'x'])}`],
    [2, () => `net.ipv4.icmp_echo_ignore_all=${choice.pick(['0', '1'])}`],
    [2, () => `net.ipv4.icmp_echo_ignore_broadcasts=${choice.pick(['0', '1'])}`],
    [1, () => `net.ipv4.icmp_errors_use_inbound_ifaddr=${choice.pick(['0', '1'])}`],
    [1, () => `net.ipv4.ip_default_ttl=${world.value(['1', '32', '255'], ['0', '256'])}`],
    [1, () => `net.ipv4.ip_no_pmtu_disc=${choice.pick(['0', '1', '2', '3'])}`],
    [1, () => `net.ipv4.ip_nonlocal_bind=${choice.pick(['0', '1'])}`],
    [1, () => `net.ipv4.icmp_ratelimit=${choice.pick(['0', '1000'])}`],
    [1, () => `net.ipv4.ip_forward_use_pmtu=${choice.pick(['0', '1'])}`],
    [1, () => `net.ipv4.ip_forward_update_priority=${choice.pick(['0', '1'])}`],
    [1, () => `net.ipv4.fib_multipath_use_neigh=${choice.pick(['0', '1'])}`],
    [1, () => `net.ipv4.conf.${choice.pick(['nodev', 'all'])}.nothing=1`],
    [1, () => `net.bridge.bridge-nf-call-iptables=${choice.pick(['0', '1'])}`],
  ])();
  world.run(`${world.exec(device.ns)}sysctl -w ${what}`);
};

const rule: Step = (world) => {
  const { choice } = world;
  const ns = choice.pick(world.namespaces);
  world.run(`${world.ip(ns)} ${choice.pick(['rule', 'rule show', '-j rule', '-d rule list'])}`);
};

const oldTools: Step = (world) => {
  const { choice } = world;
  const device = world.device(hosts);
  const exec = world.exec(device.ns);
  const name = world.nameOf(device);
  const what = choice.weighted([
    [2, () => `ifconfig ${name} ${freshAddress(world).replace(/\/.*/, '/24')}`],
    [
      1,
      () =>
        `ifconfig ${name} ${choice.pick(['up', 'down', 'mtu 1400', 'promisc', '-promisc', '-arp', 'arp', 'allmulti'])}`,
    ],
    [1, () => `ifconfig ${name} 10.0.0.77 netmask 255.255.255.0 broadcast 10.0.0.255`],
    [2, () => `route add -net 10.6.0.0/16 ${choice.chance(0.5) ? `dev ${name}` : `gw ${world.someAddress()}`}`],
    [1, () => `route del default`],
    [1, () => `route add default gw ${world.someAddress()}`],
    [2, () => `arp -s ${world.someAddress()} ${world.someMac()}`],
    [1, () => `arp -d ${world.someAddress()}`],
    [2, () => `brctl ${choice.pick(['addif', 'delif'])} ${world.of('bridge').name} ${name}`],
    [1, () => `brctl ${choice.pick(['addbr', 'delbr'])} ${world.of('bridge').name}`],
    [1, () => `brctl hairpin ${world.of('bridge').name} ${name} ${choice.pick(['on', 'off'])}`],
    [1, () => `brctl stp ${world.of('bridge').name} off`],
    [1, () => `brctl setageing ${world.of('bridge').name} ${choice.pick(['0', '300', '20.5'])}`],
  ])();
  world.run(`${exec}${what}`);
  if (/^ifconfig \S+ \d/.test(what)) world.hasty(device.ns, name);
};

export const ADDRESS_STEPS: readonly (readonly [number, Step])[] = [
  [7, addAddress],
  [4, deleteAddress],
];
export const NEIGHBOUR_STEPS: readonly (readonly [number, Step])[] = [[6, neighbour]];
export const ROUTE_STEPS: readonly (readonly [number, Step])[] = [
  [10, route],
  [4, routeGet],
  [1, flushRoutes],
  [1, rule],
];
export const SETTING_STEPS: readonly (readonly [number, Step])[] = [[8, setting]];
export const OLD_STEPS: readonly (readonly [number, Step])[] = [[3, oldTools]];

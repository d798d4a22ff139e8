/** Changes of devices: state, addresses, MTU, place, macvlan's and VLAN's own settings, making and deleting. */
import { enslave, give, makeBridge, vethPair } from './topology.ts';
import type { World } from './world.ts';

export type Step = (world: World) => void;

/** A bridge sees within a second that its last port went or its first came. */
function linkChanged(world: World): void {
  if (world.devices.some(({ kind }) => kind === 'bridge')) world.calm();
}

const NUMBERS = ['0', '1', '67', '68', '500', '1000', '1280', '1400', '1499', '1500'];
const TOO_MUCH = ['1501', '9000', '65535', '65536', '-1', '4294967296', 'x'];

const setLink: Step = (world) => {
  const { choice } = world;
  const device = world.device(({ kind }) => kind !== 'lo');
  const name = world.nameOf(device);
  const ip = world.ip(device.ns);
  const what = choice.weighted<() => string>([
    [8, () => 'down'],
    [8, () => 'up'],
    [4, () => `mtu ${choice.chance(0.7) ? choice.pick(NUMBERS) : choice.pick(TOO_MUCH)}`],
    [5, () => `address ${world.someMac()}`],
    [3, () => `promisc ${world.onOff()}`],
    [3, () => `allmulticast ${world.onOff()}`],
    [2, () => `multicast ${world.onOff()}`],
    [3, () => `arp ${world.onOff()}`],
    [1, () => `dynamic ${world.onOff()}`],
    [1, () => `trailers ${world.onOff()}`],
    [2, () => `carrier ${world.onOff()}`],
    [1, () => `txqueuelen ${choice.pick(['0', '1', '1000', '-1', 'many'])}`],
    [1, () => `broadcast ${world.someMac()}`],
    [1, () => `alias ${choice.pick(['uplink', 'a-b', '""'])}`],
    [1, () => `group ${choice.pick(['1', '42', 'default', 'none'])}`],
    [1, () => `protodown ${world.onOff()}`],
    [1, () => `mode ${choice.pick(['default', 'dormant', 'x'])}`],
    [1, () => `state ${choice.pick(['up', 'down', 'dormant', 'x'])}`],
    [1, () => `numtxqueues 2`],
    [1, () => `altname other`],
  ])();
  const dev = choice.maybe(0.3, () => 'dev');
  const more = choice.maybe(0.12, () => choice.pick(['up', 'down', 'mtu 1400', 'promisc on', 'arp off']));
  world.run(`${ip} link set${dev} ${name} ${what}${more}`);
  if (/^(up|down|carrier|mode|state|protodown)|up|down/.test(`${what}${more}`)) linkChanged(world);
};

const renameLink: Step = (world) => {
  if (!world.profile.renames) return;
  const device = world.device();
  const name = world.value(
    [world.name('z'), world.name('z')],
    [world.choice.pick(world.devices).name, 'much-too-long-a-name', 'a/b', 'all', '..'],
  );
  world.run(`${world.ip(device.ns)} link set ${world.nameOf(device)} name ${name}`);
  if (!/^z\d+$/.test(name)) return;
  for (const other of world.devices) {
    if (other.lower === device.name) other.lower = name;
    if (other.peer === device.name) other.peer = name;
    if (other.master === device.name) other.master = name;
  }
  device.name = name;
};

const moveLink: Step = (world) => {
  const device = world.device(({ kind }) => kind === 'veth' || kind === 'macvlan' || kind === 'vlan');
  const ns = world.value(world.namespaces.filter((name) => name !== '').concat(world.profile.ownInit ? '1' : 'n1'), [
    'nowhere',
    '99999',
  ]);
  // Linux 6.1 refuses it where it would change nothing, too, for lo and bridges.
  if (ns === device.ns && !world.profile.current) return;
  world.run(`${world.ip(device.ns)} link set ${world.nameOf(device)} netns ${ns}`);
  if (!world.namespaces.includes(ns) && ns !== '1') return;
  device.ns = ns === '1' ? '' : ns;
  device.up = false;
  device.addresses = [];
  delete device.master;
  linkChanged(world);
};

const deleteLink: Step = (world) => {
  const { choice } = world;
  const device = world.device();
  const kind = choice.maybe(0.25, () => `type ${choice.pick(['veth', 'bridge', 'macvlan', device.kind])}`);
  world.run(`${world.ip(device.ns)} link del ${world.nameOf(device)}${kind}`);
  if (kind === '' && device.kind !== 'lo') world.remove(device);
  linkChanged(world);
};

const addVeth: Step = (world) => {
  const { choice } = world;
  if (choice.chance(0.6)) {
    vethPair(world);
    return;
  }
  const name = world.value([world.name('v')], [choice.pick(world.devices).name, 'lo']);
  const peer = world.value([world.name('w')], [name, choice.pick(world.devices).name]);
  const ns = choice.pick(world.namespaces);
  const options = choice.maybe(0.4, () =>
    choice.pick(['mtu 1400', 'mtu 60', `address ${world.someMac()}`, 'txqueuelen 5']),
  );
  const there = choice.maybe(0.3, () => `netns ${choice.pick([...world.namespaces.slice(1), 'nowhere'])}`);
  const peerMac = world.mac();
  const mac = options.includes('address') ? '' : `address ${world.mac()}`;
  const index = choice.maybe(0.1, () => `index ${choice.pick(['1', '50', '51', '-3'])}`);
  world.run(
    `${world.ip(ns)} link add ${name} ${mac}${options}${index} type veth peer name ${peer} address ${peerMac}${there}`,
  );
  world.add({ name, ns, kind: 'veth', peer });
  world.add({ name: peer, ns: there === '' ? ns : there.slice(7), kind: 'veth', peer: name, mac: peerMac });
};

const addMacvlan: Step = (world) => {
  const { choice } = world;
  const lower = world.device(({ kind }) => kind !== 'lo' && kind !== 'vlan');
  const name = world.value([world.name('m')], [choice.pick(world.devices).name]);
  // Linux 6.1 looks for one of that name in the namespace of the command.
  const elsewhere = world.profile.current || world.devices.every((other) => other.name !== name);
  const mac = world.value([world.mac()], [world.someMac(), lower.mac]);
  const mode = world.value(['bridge', 'vepa', 'private', 'source', 'bridge', 'passthru'], ['router', 'vlan', '']);
  const options = [
    choice.maybe(0.15, () => `mtu ${choice.pick(['1400', '1500', '1501', '60'])}`),
    elsewhere ? choice.maybe(0.1, () => `netns ${choice.pick([...world.namespaces.slice(1), 'nowhere'])}`) : '',
  ].join('');
  const flags = choice.maybe(0.2, () =>
    choice.pick(['nopromisc', 'nodst', 'bcqueuelen 10', 'bcqueuelen 0', 'bclim 1', 'flag nodst', 'flag null']),
  );
  const sources =
    mode === 'source' || choice.chance(0.05)
      ? choice.maybe(0.7, () => `macaddr ${choice.pick(['add', 'set', 'del'])} ${world.someMac()}`)
      : '';
  const ip = world.ip(lower.ns);
  world.run(
    `${ip} link add name ${name} link ${world.nameOf(lower)} address ${mac}${options} type macvlan mode ${mode}${flags}${sources}`,
  );
  const ns = / netns (\S+)/.exec(options)?.[1] ?? lower.ns;
  const made = world.add({ name, ns, kind: 'macvlan', lower: lower.name, mac });
  if (choice.chance(0.6)) {
    world.run(`${world.ip(ns)} link set ${name} up`);
    made.up = true;
  }
};

const changeMacvlan: Step = (world) => {
  const { choice } = world;
  const device = world.of('macvlan');
  const sources = () =>
    choice.weighted([
      [4, () => `add ${world.someMac()}`],
      [3, () => `del ${world.someMac()}`],
      [3, () => `set ${world.someMac()} ${world.someMac()}`],
      [1, () => 'set'],
      [2, () => 'flush'],
    ])();
  const what = choice.weighted([
    [5, () => `mode ${world.value(['bridge', 'vepa', 'private', 'source'], ['passthru', 'x'])}`],
    [4, () => `mode source macaddr ${sources()}`],
    [4, () => `macaddr ${sources()}`],
    [1, () => 'nodst'],
    [1, () => 'mode passthru nopromisc'],
    [1, () => `bcqueuelen ${choice.pick(['1', '500', 'x'])}`],
    [1, () => 'flag null'],
  ])();
  world.run(`${world.ip(device.ns)} link set ${world.nameOf(device)} type macvlan ${what}`);
};

const addVlan: Step = (world) => {
  const { choice } = world;
  const lower = world.device(({ kind }) => kind !== 'lo');
  const id = world.value(['10', '20', '5', '4094', '1', '0'], ['4095', '4096', '-1', 'x', '']);
  const protocol = choice.maybe(0.3, () => `protocol ${world.value(['802.1Q', '802.1ad'], ['802.1x', '0x88a8'])}`);
  const name = world.name('t');
  const options = choice.maybe(0.3, () =>
    choice.pick([
      'reorder_hdr off',
      'loose_binding on',
      'egress-qos-map 0:3',
      'ingress-qos-map 3:0',
      'bridge_binding on',
      'gvrp off',
    ]),
  );
  const mtu = choice.maybe(0.15, () => `mtu ${choice.pick(['1496', '1500', '1504'])}`);
  world.run(
    `${world.ip(lower.ns)} link add link ${world.nameOf(lower)} name ${name}${mtu} type vlan${protocol} id ${id}${options}`,
  );
  world.add({ name, ns: lower.ns, kind: 'vlan', lower: lower.name, mac: lower.mac });
  if (choice.chance(0.7)) world.run(`${world.ip(lower.ns)} link set ${name} up`);
};

const changeVlan: Step = (world) => {
  const { choice } = world;
  const device = world.of('vlan');
  const what = choice.weighted([
    [2, () => `reorder_hdr ${world.onOff()}`],
    [2, () => `loose_binding ${world.onOff()}`],
    [2, () => `egress-qos-map ${choice.pick(['0:1', '1:7', '0:0', '3:9'])}`],
    [2, () => `ingress-qos-map ${choice.pick(['0:1', '7:7', '1:0', '8:1'])}`],
    [1, () => `id ${choice.pick(['10', '30'])}`],
    [1, () => 'protocol 802.1ad id 10'],
  ])();
  world.run(`${world.ip(device.ns)} link set ${world.nameOf(device)} type vlan ${what}`);
};

const addOther: Step = (world) => {
  const { choice, profile } = world;
  if (profile.dummy && choice.chance(0.6)) {
    const ns = choice.pick(world.namespaces);
    const device = world.add({ name: world.name('d'), ns, kind: 'dummy' });
    world.run(`${world.ip(ns)} link add ${device.name} address ${device.mac} type dummy`);
    give(world, device, ns, `10.7.${world.devices.length}.1/24`);
    return;
  }
  if (choice.chance(0.3)) {
    const kind = choice.pick(['bridge', 'veth', 'macvlan', 'nothing', 'bridge_slave']);
    world.run(`ip link add ${choice.pick(world.devices).name} type ${kind}`);
    return;
  }
  makeBridge(world, world.name('br'), choice.chance(0.7) ? '' : choice.pick(world.namespaces));
};

const master: Step = (world) => {
  const { choice } = world;
  const device = world.device(({ kind }) => kind !== 'lo' && kind !== 'bridge');
  const bridge = world.of('bridge');
  const ip = world.ip(device.ns);
  if (choice.chance(0.35)) {
    world.run(`${ip} link set ${world.nameOf(device)} nomaster`);
    delete device.master;
    linkChanged(world);
    return;
  }
  if (device.ns === bridge.ns && choice.chance(0.5)) enslave(world, device, bridge);
  else {
    world.run(`${ip} link set ${world.nameOf(device)} master ${world.nameOf(bridge)}`);
    if (bridge.kind === 'bridge') device.master = bridge.name;
  }
  linkChanged(world);
};

const namespaces: Step = (world) => {
  const { choice } = world;
  const known = world.namespaces.filter((name) => name !== '');
  if (known.length > 1 && choice.chance(0.35)) {
    const name = choice.pick(known);
    world.run(`ip netns del ${name}`);
    world.namespaces.splice(world.namespaces.indexOf(name), 1);
    for (const device of world.devices.filter(({ ns }) => ns === name)) world.remove(device);
    world.devices = world.devices.filter(({ ns }) => ns !== name);
    world.calm();
    return;
  }
  const what = choice.weighted([
    [2, () => `ip netns add ${choice.pick(known.length > 0 ? known : ['n1'])}`],
    [2, () => 'ip netns list'],
    [1, () => `ip netns del nowhere`],
    [1, () => `ip netns exec nowhere ip link`],
    [1, () => `ip -n nowhere link`],
  ])();
  world.run(what);
};

export const LINK_STEPS: readonly (readonly [number, Step])[] = [
  [24, setLink],
  [3, renameLink],
  [4, moveLink],
  [4, deleteLink],
  [4, addVeth],
  [3, addOther],
  [2, namespaces],
];
export const MACVLAN_STEPS: readonly (readonly [number, Step])[] = [
  [4, addMacvlan],
  [8, changeMacvlan],
];
export const VLAN_STEPS: readonly (readonly [number, Step])[] = [
  [5, addVlan],
  [4, changeVlan],
];
export const MASTER_STEPS: readonly (readonly [number, Step])[] = [[4, master]];

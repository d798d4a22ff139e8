/** Beginnings of labs: a network that works, on which the rest of the lab is built. */
import type { Device, World } from './world.ts';

const MODES = ['bridge', 'vepa', 'private', 'source'] as const;

/** A veth pair with fixed addresses, both ends here. */
export function vethPair(world: World, one = world.name('v'), other = world.name('w')): [Device, Device] {
  const a = world.add({ name: one, ns: '', kind: 'veth', peer: other });
  const b = world.add({ name: other, ns: '', kind: 'veth', peer: one });
  world.run(`ip link add ${one} address ${a.mac} type veth peer name ${other} address ${b.mac}`);
  return [a, b];
}

/** Move a device into a namespace, give it an address, and up. */
export function give(world: World, device: Device, ns: string, address?: string): void {
  if (ns !== '') world.run(`ip link set ${device.name} netns ${ns}`);
  device.ns = ns;
  if (address !== undefined) {
    world.run(`${world.ip(ns)} addr add ${address} dev ${device.name}`);
    device.addresses.push(address);
  }
  world.run(`${world.ip(ns)} link set ${device.name} up`);
  device.up = true;
  if (address !== undefined) world.hasty(ns, device.name);
}

export function makeBridge(world: World, name: string, ns = ''): Device {
  const { choice } = world;
  const bridge = world.add({ name, ns, kind: 'bridge', up: true });
  // A bridge that listens reports itself, at a time that is left to chance.
  const address = choice.chance(0.8) ? ` address ${bridge.mac}` : '';
  world.run(`${world.ip(ns)} link add ${name}${address} type bridge mcast_snooping 0`);
  world.run(`${world.ip(ns)} link set ${name} up`);
  return bridge;
}

export function enslave(world: World, port: Device, bridge: Device): void {
  world.run(`${world.ip(port.ns)} link set ${port.name} master ${bridge.name} up`);
  port.master = bridge.name;
  port.up = true;
}

function host(world: World, index: number): string {
  const name = `n${index}`;
  world.run(`ns ${name}`);
  return world.namespace(name);
}

/** Hosts on a bridge. */
function switched(world: World): void {
  const { choice } = world;
  const bridge = makeBridge(world, 'br0');
  const hosts = choice.between(2, 4);
  for (let i = 1; i <= hosts; i++) {
    const [port, end] = vethPair(world, `p${i}`, `e${i}`);
    enslave(world, port, bridge);
    give(world, end, host(world, i), `10.0.0.${i}/24`);
  }
  if (choice.chance(0.5)) {
    world.run('ip addr add 10.0.0.254/24 dev br0');
    bridge.addresses.push('10.0.0.254/24');
    world.hasty('', 'br0');
  }
}

/** Macvlans on one parent, whose other end is a bridge port or another host. */
function macvlans(world: World): void {
  const { choice } = world;
  const [parent, far] = vethPair(world, 'par', 'far');
  if (choice.chance(0.6)) {
    const bridge = makeBridge(world, 'br0');
    enslave(world, far, bridge);
    if (choice.chance(0.6)) world.run('bridge link set dev far hairpin on');
    if (choice.chance(0.5)) {
      const [port, end] = vethPair(world, 'p9', 'e9');
      enslave(world, port, bridge);
      give(world, end, host(world, 9), '10.0.0.9/24');
    }
  } else {
    give(world, far, host(world, 9), '10.0.0.9/24');
  }
  give(world, parent, '', choice.chance(0.5) ? '10.0.0.10/24' : undefined);
  const passthru = choice.chance(0.12);
  const children = passthru ? 1 : choice.between(2, 4);
  const same = choice.chance(0.4) ? choice.pick(MODES) : undefined;
  for (let i = 1; i <= children; i++) {
    const child = world.add({ name: `m${i}`, ns: '', kind: 'macvlan', lower: 'par' });
    const mode = passthru ? 'passthru' : (same ?? choice.pick(MODES));
    const sources = mode === 'source' ? choice.maybe(0.7, () => `macaddr add ${choice.pick(world.devices).mac}`) : '';
    const address = passthru && choice.chance(0.7) ? '' : ` address ${child.mac}`;
    world.run(`ip link add name m${i} link par${address} type macvlan mode ${mode}${sources}`);
    give(world, child, choice.chance(0.8) ? host(world, i) : '', `10.0.0.${i}/24`);
  }
}

/** A row of hosts, the inner ones routers. */
function routed(world: World): void {
  const { choice } = world;
  const hops = choice.between(3, 4);
  for (let i = 1; i <= hops; i++) host(world, i);
  for (let i = 1; i < hops; i++) {
    const [a, b] = vethPair(world, `a${i}`, `b${i}`);
    give(world, a, `n${i}`, `10.0.${i}.1/24`);
    give(world, b, `n${i + 1}`, `10.0.${i}.2/24`);
  }
  for (let i = 1; i <= hops; i++) {
    if (i > 1 && i < hops) world.run(`ip netns exec n${i} sysctl -w net.ipv4.ip_forward=1`);
    if (i < hops) world.run(`ip -n n${i} route add default via 10.0.${i}.2`);
    else world.run(`ip -n n${i} route add default via 10.0.${i - 1}.1`);
    if (i > 2 && i < hops) world.run(`ip -n n${i} route add 10.0.${i - 2}.0/24 via 10.0.${i - 1}.1`);
  }
}

/** Devices in one namespace, few of them connected: refusals, states, what tools print. */
function loose(world: World): void {
  const { choice } = world;
  vethPair(world);
  if (choice.chance(0.7)) vethPair(world);
  if (choice.chance(0.7)) {
    const bridge = makeBridge(world, 'br0');
    if (choice.chance(0.7)) enslave(world, choice.pick(world.among(({ kind }) => kind === 'veth')), bridge);
  }
  if (choice.chance(0.7)) {
    const parent = choice.pick(world.among(({ kind, master }) => kind === 'veth' && master === undefined));
    const child = world.add({ name: 'm1', ns: '', kind: 'macvlan', lower: parent.name });
    world.run(`ip link add name m1 link ${parent.name} address ${child.mac} type macvlan mode ${choice.pick(MODES)}`);
  }
  if (world.profile.dummy && choice.chance(0.5)) {
    const dummy = world.add({ name: 'd1', ns: '', kind: 'dummy' });
    world.run(`ip link add d1 address ${dummy.mac} type dummy`);
  }
  host(world, 1);
}

/** Two bridges with a cable between them, hosts on both. */
function cascaded(world: World): void {
  const left = makeBridge(world, 'br0');
  const right = makeBridge(world, 'br1');
  const [a, b] = vethPair(world, 'x0', 'x1');
  enslave(world, a, left);
  enslave(world, b, right);
  for (const [i, bridge] of [left, right, right].entries()) {
    const [port, end] = vethPair(world, `p${i + 1}`, `e${i + 1}`);
    enslave(world, port, bridge);
    give(world, end, host(world, i + 1), `10.0.0.${i + 1}/24`);
  }
}

/** Macvlans on a bridge, or bridges whose ports are macvlans. */
function stacked(world: World): void {
  const { choice } = world;
  const bridge = makeBridge(world, 'br0');
  if (choice.chance(0.5)) {
    const [port, end] = vethPair(world, 'p1', 'e1');
    enslave(world, port, bridge);
    give(world, end, host(world, 1), '10.0.0.1/24');
    for (const i of [2, 3]) {
      const child = world.add({ name: `m${i}`, ns: '', kind: 'macvlan', lower: 'br0' });
      const mode = choice.pick(MODES);
      world.run(`ip link add name m${i} link br0 address ${child.mac} type macvlan mode ${mode}`);
      give(world, child, host(world, i), `10.0.0.${i}/24`);
    }
    return;
  }
  const [parent, far] = vethPair(world, 'par', 'far');
  give(world, far, host(world, 1), '10.0.0.1/24');
  give(world, parent, '');
  const child = world.add({ name: 'm1', ns: '', kind: 'macvlan', lower: 'par' });
  const mode = choice.pick([...MODES, 'passthru']);
  world.run(`ip link add name m1 link par address ${child.mac} type macvlan mode ${mode}`);
  enslave(world, child, bridge);
  const [port, end] = vethPair(world, 'p2', 'e2');
  enslave(world, port, bridge);
  give(world, end, host(world, 2), '10.0.0.2/24');
}

/** VLANs on a cable, a bridge or a macvlan, one in another at times. */
function tagged(world: World): void {
  const { choice } = world;
  const through = choice.chance(0.5);
  const ends: Device[] = [];
  if (through) {
    const bridge = makeBridge(world, 'br0');
    for (const i of [1, 2]) {
      const [port, end] = vethPair(world, `p${i}`, `e${i}`);
      enslave(world, port, bridge);
      ends.push(end);
    }
  } else ends.push(...vethPair(world, 'e1', 'e2'));
  const protocol = choice.chance(0.25) ? '802.1ad' : '802.1Q';
  const inner = choice.chance(0.4);
  const onMacvlan = choice.chance(0.25);
  for (const [i, end] of ends.entries()) {
    const ns = host(world, i + 1);
    give(world, end, ns, choice.chance(0.6) ? `10.0.9.${i + 1}/24` : undefined);
    const ip = world.ip(ns);
    let lower = end;
    if (onMacvlan) {
      lower = world.add({ name: `m${i}`, ns, kind: 'macvlan', lower: end.name });
      world.run(`${ip} link add name m${i} link ${end.name} address ${lower.mac} type macvlan mode bridge`);
      give(world, lower, ns);
    }
    for (const id of choice.chance(0.5) ? [10] : [10, 20]) {
      const vlan = world.add({ name: `t${i}.${id}`, ns, kind: 'vlan', lower: lower.name, mac: lower.mac });
      const other = choice.chance(0.06) ? '802.1Q' : protocol;
      const reorder = choice.maybe(0.15, () => `reorder_hdr ${choice.pick(['on', 'off'])}`);
      const qos = choice.maybe(0.15, () => 'egress-qos-map 0:3 1:5 ingress-qos-map 3:2');
      world.run(
        `${ip} link add link ${lower.name} name ${vlan.name} type vlan protocol ${other} id ${id}${reorder}${qos}`,
      );
      world.run(`${ip} link set ${vlan.name} up`);
      vlan.ns = ns;
      vlan.up = true;
      if (!inner) give2(world, vlan, `10.0.${id}.${i + 1}/24`);
      else {
        const deep = world.add({ name: `q${i}.${id}`, ns, kind: 'vlan', lower: vlan.name, mac: lower.mac });
        world.run(`${ip} link add link ${vlan.name} name ${deep.name} type vlan id 5`);
        world.run(`${ip} link set ${deep.name} up`);
        deep.up = true;
        give2(world, deep, `10.0.${id}.${i + 1}/24`);
      }
    }
  }
}

/** An address for a device that is where it belongs. */
function give2(world: World, device: Device, address: string): void {
  world.run(`${world.ip(device.ns)} addr add ${address} dev ${device.name}`);
  device.addresses.push(address);
  world.hasty(device.ns, device.name);
}

export function topology(world: World): void {
  world.add({ name: 'lo', ns: '', kind: 'lo', mac: '00:00:00:00:00:00' });
  const { choice, profile } = world;
  const build = choice.weighted<(world: World) => void>([
    [20, switched],
    [26, macvlans],
    [18, routed],
    [14, loose],
    [6, cascaded],
    [8, stacked],
    ...(profile.vlan ? ([[60, tagged]] as const) : []),
  ]);
  build(world);
  world.calm();
}

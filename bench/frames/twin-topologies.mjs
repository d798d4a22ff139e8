// The topologies of the packet benchmarks on the twin. Each function builds one and gives: its kernel; its
// hosts; `send`, which sends one frame and runs the machine until it has ended; `arrived`, which counts; and
// `copies`, how many times each frame arrives.
import { devQueueXmit } from '../../dist/kernel/core/dev-xmit.js';
import { allocSkb, skbPut } from '../../dist/kernel/core/skbuff.js';
import { parseIpv4 } from '../../dist/wire/addr.js';
import { arpRequest, broadcast, ethernet, hostAddress, mac } from './ethernet.mjs';
import { check, settle, startHosts } from './twin-host.mjs';

const MACVLAN_MODE_VEPA = 2;
const MACVLAN_MODE_BRIDGE = 4;

const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Sends the frames by turns by `dev`. */
function sender(kernel, dev, ...frames) {
  let turn = 0;
  return () => {
    const frame = frames[turn];
    turn = turn + 1 < frames.length ? turn + 1 : 0;
    const skb = allocSkb(kernel, frame.length, 'bench');
    const at = skbPut(skb, frame.length);
    skb.bytes.set(frame, at);
    skb.dev = dev;
    skb.protocol = (frame[12] << 8) | frame[13];
    devQueueXmit(skb);
    while (kernel.queue.deferred > 0) kernel.queue.step();
  };
}

/** What a topology with raw frames gives, once it is settled. */
function rawFrames(kernel, hosts, { from, frames, to, copies = 1, teach = [] }) {
  settle(kernel);
  const dev = (ifname) => kernel.namespaces[0].devByName(ifname);
  for (const [ifname, frame] of teach) sender(kernel, dev(ifname), frame)();
  const sinks = to.map(dev);
  const arrived = () => sinks.reduce((sum, sink) => sum + sink.stats.rxPackets, 0);
  return { kernel, hosts, send: sender(kernel, dev(from), ...frames), arrived, copies };
}

function addMacvlans(host, count, mode) {
  host.addVeth('p0', 'p1');
  host.up('p0', 'p1');
  for (const n of numbers(1, count)) host.addMacvlan(`m${n}`, 'p0', mac(n), mode);
  host.up(...numbers(1, count).map((n) => `m${n}`));
}

function addBridgePorts(host, count) {
  host.addBridge('br0');
  for (const n of numbers(1, count)) {
    host.addVeth(`e${n}`, `p${n}`, host, mac(n));
    host.enslave(`p${n}`, 'br0');
    host.up(`e${n}`, `p${n}`);
  }
  host.up('br0');
}

function pathA({ size }) {
  const { kernel, hosts } = startHosts(1);
  addMacvlans(hosts[0], 2, MACVLAN_MODE_BRIDGE);
  return rawFrames(kernel, hosts, { from: 'm1', frames: [ethernet(size, mac(2), mac(1))], to: ['m2'] });
}

function pathB({ size }) {
  const { kernel, hosts } = startHosts(1);
  const [host] = hosts;
  host.addBridge('br0');
  addMacvlans(host, 2, MACVLAN_MODE_VEPA);
  host.enslave('p1', 'br0');
  check(host.task.rtnl.setBridgeLink(host.index('p1'), { mode: 1 }, { master: true }));
  host.up('br0');
  const teach = [['m2', ethernet(size, mac(1), mac(2))]];
  return rawFrames(kernel, hosts, { from: 'm1', frames: [ethernet(size, mac(2), mac(1))], to: ['m2'], teach });
}

function pathC({ size }) {
  const { kernel, hosts } = startHosts(1);
  addBridgePorts(hosts[0], 2);
  const teach = [['e2', ethernet(size, mac(1), mac(2))]];
  return rawFrames(kernel, hosts, { from: 'e1', frames: [ethernet(size, mac(2), mac(1))], to: ['e2'], teach });
}

function pathD({ size }) {
  const { kernel, hosts } = startHosts(5);
  const [client, r1, r2, r3, server] = hosts;
  r1.addBridge('br0');
  client.addVeth('eth0', 'port1', r1);
  r1.enslave('port1', 'br0');
  r1.addVeth('eth1', 'eth0', r2);
  r2.addVeth('eth1', 'eth0', r3);
  r3.addVeth('eth1', 'eth0', server);
  client.up('eth0');
  r1.up('br0', 'port1', 'eth1');
  for (const router of [r2, r3]) router.up('eth0', 'eth1');
  server.up('eth0');
  client.address('eth0', '10.0.0.2', 24);
  r1.address('br0', '10.0.0.1', 24);
  r1.address('eth1', '10.0.1.1', 24);
  r2.address('eth0', '10.0.1.2', 24);
  r2.address('eth1', '10.0.2.1', 24);
  r3.address('eth0', '10.0.2.2', 24);
  r3.address('eth1', '10.0.3.1', 24);
  server.address('eth0', '10.0.3.2', 24);
  for (const router of [r1, r2, r3]) router.sysctl('net/ipv4/ip_forward', 1);
  client.route('0.0.0.0', 0, '10.0.0.1');
  r1.route('0.0.0.0', 0, '10.0.1.2');
  r2.route('0.0.0.0', 0, '10.0.2.2');
  r3.route('10.0.1.0', 24, '10.0.2.1');
  server.route('0.0.0.0', 0, '10.0.3.1');
  r1.masquerade('eth1');
  settle(kernel);
  return { kernel, hosts, ...datagrams(kernel, client, server, size - 42), copies: 1 };
}

/** From a UDP socket to a UDP socket, which is read after each. */
function datagrams(kernel, client, server, length) {
  const to = { family: 'inet', address: parseIpv4('10.0.3.2'), port: 9 };
  const sink = server.task.socket('udp', 0);
  check(sink.bind(to));
  const source = client.task.socket('udp', 0);
  check(source.connect(to));
  const payload = new Uint8Array(length);
  let received = 0;
  const send = () => {
    const sent = source.send(payload);
    if (sent < 0) throw new Error(`send failed: error ${-sent}`);
    while (kernel.queue.deferred > 0) kernel.queue.step();
    if (sink.recv() !== undefined) received++;
  };
  send();
  settle(kernel);
  sink.recv();
  return { send, arrived: () => received };
}

/** `count` ports of a bridge; from the first to each of the others by turns. */
function ports({ size, count }) {
  const { kernel, hosts } = startHosts(1);
  addBridgePorts(hosts[0], count);
  const others = numbers(2, count);
  return rawFrames(kernel, hosts, {
    from: 'e1',
    frames: others.map((n) => ethernet(size, mac(n), mac(1))),
    to: others.map((n) => `e${n}`),
    teach: others.map((n) => [`e${n}`, ethernet(size, mac(1), mac(n))]),
  });
}

/** `count` ports of a bridge; a broadcast from the first reaches all the others. */
function flood({ size, count }) {
  const { kernel, hosts } = startHosts(1);
  addBridgePorts(hosts[0], count);
  const to = numbers(2, count).map((n) => `e${n}`);
  return rawFrames(kernel, hosts, { from: 'e1', frames: [broadcast(size, mac(1))], to, copies: count - 1 });
}

/** `count` macvlans on a parent; from the other end of its wire to each by turns. */
function macvlans({ size, count }) {
  const { kernel, hosts } = startHosts(1);
  addMacvlans(hosts[0], count, MACVLAN_MODE_BRIDGE);
  const all = numbers(1, count);
  return rawFrames(kernel, hosts, {
    from: 'p1',
    frames: all.map((n) => ethernet(size, mac(n), mac(0xffff))),
    to: all.map((n) => `m${n}`),
  });
}

/** `count` macvlans on a parent; a broadcast from the first reaches its siblings and the wire. */
function siblings({ size, count }) {
  const { kernel, hosts } = startHosts(1);
  addMacvlans(hosts[0], count, MACVLAN_MODE_BRIDGE);
  const to = numbers(2, count).map((n) => `m${n}`);
  return rawFrames(kernel, hosts, { from: 'm1', frames: [broadcast(size, mac(1))], to, copies: count - 1 });
}

/** `count` hosts, each in a namespace, on a bridge: the second asks all for the first, which answers. */
function arp({ count }) {
  const { kernel, hosts } = startHosts(count + 1);
  const [bridge, ...leaves] = hosts;
  bridge.addBridge('br0');
  bridge.up('br0');
  leaves.forEach((leaf, i) => {
    leaf.addVeth('eth0', `p${i + 1}`, bridge, mac(i + 1));
    bridge.enslave(`p${i + 1}`, 'br0');
    bridge.up(`p${i + 1}`);
    leaf.address('eth0', hostAddress(i + 1), 16);
    leaf.up('eth0');
  });
  settle(kernel);
  const asking = kernel.namespaces[2].devByName('eth0');
  const arrived = () => asking.stats.rxPackets;
  return { kernel, hosts, send: sender(kernel, asking, arpRequest(2, 1)), arrived, copies: 1 };
}

export const TOPOLOGIES = { A: pathA, B: pathB, C: pathC, D: pathD, ports, flood, macvlans, siblings, arp };

// The four paths of the packet benchmarks, built through the kernel's rtnetlink and iptables
// interfaces, with a function that sends one frame into each.
import { devQueueXmit } from '../dist/kernel/core/dev-xmit.js';
import { allocSkb, skbPut } from '../dist/kernel/core/skbuff.js';
import { bootKernel } from '../dist/kernel/init.js';
import { KernelMachine } from '../dist/kernel/machine.js';
import { parseIpv4, putMac, putU16 } from '../dist/wire/addr.js';

const IFF_UP = 1;
const NLM_F_CREATE_EXCL = 0x600;
/** An EtherType for experiments (IEEE 802): no protocol takes it, so the frame ends at the receiver. */
const EXPERIMENT = 0x88b5;
const mac = (n) => 0x020000000000 + n;

class Host {
  constructor(machine, pid) {
    this.machine = machine;
    this.task = machine.init(pid);
    if (pid > 1) this.task.unshareNet();
    check(this.task.rtnl.setLink({ ifname: 'lo', flags: IFF_UP, change: IFF_UP }));
  }
  add(request) {
    check(this.task.rtnl.newLink(request, NLM_F_CREATE_EXCL));
    return this.index(request.ifname);
  }
  index(ifname) {
    return this.task.rtnl.getLink({ ifname }).ifindex;
  }
  up(...names) {
    for (const ifname of names) check(this.task.rtnl.setLink({ ifname, flags: IFF_UP, change: IFF_UP }));
  }
  address(ifname, address, prefixlen) {
    const local = parseIpv4(address);
    const ifindex = this.index(ifname);
    check(this.task.rtnl.newAddr({ ifindex, local, address: local, prefixlen }, NLM_F_CREATE_EXCL));
  }
  route(dst, dstLen, via) {
    const request = {
      dst: parseIpv4(dst),
      dstLen,
      gateway: parseIpv4(via),
      protocol: 3,
      type: 1,
      scope: 0,
      table: 254,
    };
    check(this.task.rtnl.newRoute(request, NLM_F_CREATE_EXCL));
  }
  sysctl(path, value) {
    check(this.task.files.write(`/proc/sys/${path}`, `${value}\n`));
  }
}

function check(answer) {
  if (answer !== undefined) throw new Error(`set-up refused: ${JSON.stringify(answer)}`);
}

function start() {
  const kernel = bootKernel({ seed: 1 });
  return { kernel, machine: new KernelMachine(kernel) };
}

/** Runs everything that is due within the next 3 virtual seconds: carriers come up, ports forward. */
function settle(kernel) {
  kernel.queue.runUntil(kernel.queue.now + 3e9);
}

function ethernet(size, dst, src) {
  const frame = new Uint8Array(size);
  putMac(frame, 0, dst);
  putMac(frame, 6, src);
  putU16(frame, 12, EXPERIMENT);
  return frame;
}

/** Sends `frame` by `dev` and runs the machine until it has ended. */
function sender(kernel, dev, frame) {
  return () => {
    const skb = allocSkb(kernel, frame.length, 'bench');
    const at = skbPut(skb, frame.length);
    skb.bytes.set(frame, at);
    skb.dev = dev;
    skb.protocol = EXPERIMENT;
    devQueueXmit(skb);
    while (kernel.queue.deferred > 0) kernel.queue.step();
  };
}

/** A: macvlan in bridge mode to its sibling. */
export function pathA(size) {
  const { kernel, machine } = start();
  const host = new Host(machine, 1);
  host.add({ ifname: 'p0', linkinfo: { kind: 'veth', data: { peer: { ifname: 'p1' } } } });
  host.up('p0', 'p1');
  const link = host.index('p0');
  for (const n of [1, 2])
    host.add({ ifname: `m${n}`, link, address: mac(n), linkinfo: { kind: 'macvlan', data: { mode: 4 } } });
  host.up('m1', 'm2');
  settle(kernel);
  const net = kernel.namespaces[0];
  return {
    kernel,
    send: sender(kernel, net.devByName('m1'), ethernet(size, mac(2), mac(1))),
    sink: net.devByName('m2'),
  };
}

/** B: macvlan in vepa mode, veth, bridge with a hairpin port, and back to the sibling. */
export function pathB(size) {
  const { kernel, machine } = start();
  const host = new Host(machine, 1);
  host.add({ ifname: 'br0', linkinfo: { kind: 'bridge' } });
  host.add({ ifname: 'p0', linkinfo: { kind: 'veth', data: { peer: { ifname: 'p1' } } } });
  check(host.task.rtnl.setLink({ ifname: 'p1', master: host.index('br0') }));
  check(host.task.rtnl.setBridgeLink(host.index('p1'), { mode: 1 }, { master: true }));
  host.up('br0', 'p0', 'p1');
  const link = host.index('p0');
  for (const n of [1, 2])
    host.add({ ifname: `m${n}`, link, address: mac(n), linkinfo: { kind: 'macvlan', data: { mode: 2 } } });
  host.up('m1', 'm2');
  settle(kernel);
  const net = kernel.namespaces[0];
  // The bridge learns where the sibling is from a frame of its own.
  sender(kernel, net.devByName('m2'), ethernet(size, mac(1), mac(2)))();
  return {
    kernel,
    send: sender(kernel, net.devByName('m1'), ethernet(size, mac(2), mac(1))),
    sink: net.devByName('m2'),
  };
}

/** C: veth, bridge, veth. */
export function pathC(size) {
  const { kernel, machine } = start();
  const host = new Host(machine, 1);
  host.add({ ifname: 'br0', linkinfo: { kind: 'bridge' } });
  for (const n of [1, 2]) {
    host.add({ ifname: `e${n}`, address: mac(n), linkinfo: { kind: 'veth', data: { peer: { ifname: `p${n}` } } } });
    check(host.task.rtnl.setLink({ ifname: `p${n}`, master: host.index('br0') }));
    host.up(`e${n}`, `p${n}`);
  }
  host.up('br0');
  settle(kernel);
  const net = kernel.namespaces[0];
  sender(kernel, net.devByName('e2'), ethernet(size, mac(1), mac(2)))();
  return {
    kernel,
    send: sender(kernel, net.devByName('e1'), ethernet(size, mac(2), mac(1))),
    sink: net.devByName('e2'),
  };
}

/** D: a host behind a bridge, three routers, the first of which masquerades; UDP into a socket. */
export function pathD(size) {
  const { kernel, machine } = start();
  const [client, r1, r2, r3, server] = [1, 2, 3, 4, 5].map((pid) => new Host(machine, pid));
  const link = (a, nameA, b, nameB) =>
    a.add({ ifname: nameA, linkinfo: { kind: 'veth', data: { peer: { ifname: nameB, netns: b.task.netns } } } });
  r1.add({ ifname: 'br0', linkinfo: { kind: 'bridge' } });
  link(client, 'eth0', r1, 'port1');
  check(r1.task.rtnl.setLink({ ifname: 'port1', master: r1.index('br0') }));
  link(r1, 'eth1', r2, 'eth0');
  link(r2, 'eth1', r3, 'eth0');
  link(r3, 'eth1', server, 'eth0');
  client.up('eth0');
  r1.up('br0', 'port1', 'eth1');
  r2.up('eth0', 'eth1');
  r3.up('eth0', 'eth1');
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
  masquerade(r1, 'eth1');
  settle(kernel);
  const socket = server.task.socket('udp', 0);
  check(socket.bind({ family: 'inet', address: 0, port: 9 }));
  const source = client.task.socket('udp', 0);
  check(source.connect({ family: 'inet', address: parseIpv4('10.0.3.2'), port: 9 }));
  const payload = new Uint8Array(size - 42);
  let received = 0;
  const send = () => {
    const sent = source.send(payload);
    if (sent < 0) throw new Error(`send failed: error ${-sent}`);
    while (kernel.queue.deferred > 0) kernel.queue.step();
    if (socket.recv() !== undefined) received++;
  };
  send();
  settle(kernel);
  socket.recv();
  return { kernel, send, received: () => received };
}

function masquerade(router, outIface) {
  const table = router.task.xtables.getTable('nat');
  const chain = table.chains.find(({ name }) => name === 'POSTROUTING');
  chain.rules.push({
    outIface: { name: outIface, invert: false },
    proto: 0,
    protoInvert: false,
    matches: [],
    target: { name: 'MASQUERADE', range: {} },
    counters: { packets: 0, bytes: 0 },
  });
  check(router.task.xtables.replaceTable(table));
}

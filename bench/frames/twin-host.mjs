// A host of the twin for the benchmarks: a task in a network namespace, set up through rtnetlink and the
// other interfaces of the kernel.
import { bootKernel } from '../../dist/kernel/init.js';
import { KernelMachine } from '../../dist/kernel/machine.js';
import { parseIpv4 } from '../../dist/wire/addr.js';

const IFF_UP = 1;
const NLM_F_CREATE_EXCL = 0x600;
const ETH_P_ALL = 3;

export function check(answer) {
  if (answer !== undefined) throw new Error(`set-up refused: ${JSON.stringify(answer)}`);
}

export class Host {
  constructor(machine, pid) {
    this.task = machine.init(pid);
    if (pid > 1) this.task.unshareNet();
    check(this.task.rtnl.setLink({ ifname: 'lo', flags: IFF_UP, change: IFF_UP }));
  }
  add(request) {
    check(this.task.rtnl.newLink(request, NLM_F_CREATE_EXCL));
    return this.index(request.ifname);
  }
  addBridge(ifname) {
    return this.add({ ifname, linkinfo: { kind: 'bridge' } });
  }
  /** A pair; the peer is of the host `other`. */
  addVeth(ifname, peer, other = this, address = undefined) {
    const data = { peer: { ifname: peer, netns: other.task.netns } };
    const linkinfo = { kind: 'veth', data };
    return this.add({ ifname, linkinfo, ...(address === undefined ? {} : { address }) });
  }
  addMacvlan(ifname, parent, address, mode) {
    return this.add({ ifname, link: this.index(parent), address, linkinfo: { kind: 'macvlan', data: { mode } } });
  }
  enslave(ifname, bridge) {
    check(this.task.rtnl.setLink({ ifname, master: this.index(bridge) }));
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
    const gateway = parseIpv4(via);
    const request = { dst: parseIpv4(dst), dstLen, gateway, protocol: 3, type: 1, scope: 0, table: 254 };
    check(this.task.rtnl.newRoute(request, NLM_F_CREATE_EXCL));
  }
  sysctl(path, value) {
    check(this.task.files.write(`/proc/sys/${path}`, `${value}\n`));
  }
  /** What `iptables -t nat -A POSTROUTING -o OUT -j MASQUERADE` does. */
  masquerade(out) {
    const table = this.task.xtables.getTable('nat');
    table.chains
      .find(({ name }) => name === 'POSTROUTING')
      .rules.push({
        outIface: { name: out, invert: false },
        proto: 0,
        protoInvert: false,
        matches: [],
        target: { name: 'MASQUERADE', range: {} },
        counters: { packets: 0, bytes: 0 },
      });
    check(this.task.xtables.replaceTable(table));
  }
  /** A packet socket on each device, as tcpdump would have. */
  capture() {
    return this.task.rtnl.dumpLinks({}).map(({ ifindex }) => {
      const socket = this.task.socket('packet-raw', ETH_P_ALL);
      check(socket.bind({ family: 'packet', ifindex, protocol: ETH_P_ALL }));
      return socket;
    });
  }
}

/** A kernel and `count` hosts on it, the first in the initial namespace. */
export function startHosts(count) {
  const kernel = bootKernel({ seed: 1 });
  const machine = new KernelMachine(kernel);
  return { kernel, hosts: Array.from({ length: count }, (_, i) => new Host(machine, i + 1)) };
}

/** Runs everything that is due within the next 3 virtual seconds: carriers come up, ports forward. */
export function settle(kernel) {
  kernel.queue.runUntil(kernel.queue.now + 3e9);
}

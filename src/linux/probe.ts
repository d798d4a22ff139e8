/** What a backend's kernel offers, found by trying it in a throwaway machine. */
import type { Backend } from '../lab/backend.ts';
import type { KernelConfig } from '../lab/twin-machine.ts';

/** What is tried, with the command that works only where it exists. `p0` is a veth. */
const FEATURES: readonly (readonly [name: string, command: string])[] = [
  ['veth', 'ip link show p0'],
  ['bridge', 'ip link add x0 type bridge'],
  ['bridge vlan_filtering', 'ip link add x1 type bridge vlan_filtering 1'],
  ['macvlan', 'ip link add link p0 name x2 type macvlan'],
  ['macvtap', 'ip link add link p0 name x3 type macvtap'],
  ['ipvlan', 'ip link add link p1 name x4 type ipvlan'],
  ['vlan', 'ip link add link p0 name x5 type vlan id 5'],
  ['dummy', 'ip link add x6 type dummy'],
  ['ifb', 'ip link add x7 type ifb'],
  ['vrf', 'ip link add x8 type vrf table 10'],
  ['vxlan', 'ip link add x9 type vxlan id 5 dstport 4789'],
  ['bond', 'ip link add x10 type bond'],
  ['tun', 'ip tuntap add mode tun name x11'],
  ['netem', 'tc qdisc add dev p1 root netem delay 1ms'],
  ['iptables', 'iptables -t nat -L -n'],
];

export interface Offer {
  /** Of the kernel, as `uname -r` says. */
  release: string;
  offered: readonly string[];
  missing: readonly string[];
}

/** How a kernel is built, for a twin that is compared with it. */
export async function configOf(backend: Backend): Promise<KernelConfig> {
  const text = await outputOf(
    backend,
    'nproc; iptables -V; ip -d link show lo; ip link add name x0 type bridge vlan_filtering 1 2>/dev/null && echo vlans',
  );
  return {
    bridgeVlanFiltering: text.endsWith('vlans\n'),
    rps: text.includes('numrxqueues'),
    cpus: Number.parseInt(text, 10),
    nfTables: !text.includes('(legacy)'),
  };
}

export async function probe(backend: Backend): Promise<Offer> {
  const script = [
    'cat /proc/sys/kernel/osrelease',
    'ip link add p0 type veth peer name p1 >/dev/null 2>&1',
    ...FEATURES.map(
      ([name, command]) => `if ${command} >/dev/null 2>&1; then echo '+${name}'; else echo '-${name}'; fi`,
    ),
  ].join('\n');
  const lines = (await outputOf(backend, script)).split('\n');
  const marked = (mark: string) => lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(1));
  return { release: lines[0] ?? '', offered: marked('+'), missing: marked('-') };
}

async function outputOf(backend: Backend, script: string): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  const machine = await backend.start({
    seed: 1,
    terminal: false,
    sink: (stream, data) => {
      if (stream === 'stdout') text += decoder.decode(data, { stream: true });
    },
  });
  await machine.script('-', script, []);
  await machine.stop();
  return text;
}

/** Rules of iptables. */
import type { Step } from './links.ts';
import type { World } from './world.ts';

const CHAINS: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  raw: ['PREROUTING', 'OUTPUT'],
};

function match(world: World): string {
  const { choice } = world;
  const not = choice.chance(0.15) ? '! ' : '';
  return choice.weighted([
    [4, () => `${not}-s ${choice.pick(['10.0.0.0/24', '10.0.1.0/24', world.someAddress(), '10.0.0.1,10.0.0.2'])}`],
    [4, () => `${not}-d ${choice.pick(['10.0.0.0/24', '10.0.1.0/24', world.someAddress()])}`],
    [3, () => `${not}-i ${choice.pick([...world.devices.map(({ name }) => name), 'e+', 'p+'])}`],
    [3, () => `${not}-o ${choice.pick([...world.devices.map(({ name }) => name), 'e+'])}`],
    [4, () => '-p icmp'],
    [3, () => `-p icmp --icmp-type ${choice.pick(['echo-request', 'echo-reply', '3', '8/0', 'port-unreachable'])}`],
    [2, () => `-p udp --dport ${choice.pick(['99', '1:200', '53'])}`],
    [2, () => `-p tcp ${choice.pick(['--dport 80', '--syn', '--tcp-flags SYN,ACK SYN', '--sport 1024:'])}`],
    [2, () => `-m conntrack ${not}--ctstate ${choice.pick(['NEW', 'ESTABLISHED,RELATED', 'INVALID'])}`],
    [1, () => `-m mac --mac-source ${choice.pick(world.devices).mac}`],
    [1, () => `-m ttl ${choice.pick(['--ttl-eq 64', '--ttl-lt 63', '--ttl-gt 62'])}`],
    [1, () => `-m length --length ${choice.pick(['84', '28:100', '1000:'])}`],
    [
      1,
      () =>
        `-m addrtype ${choice.pick(['--dst-type LOCAL', '--src-type LOCAL', '--dst-type BROADCAST', '--dst-type UNICAST'])}`,
    ],
    [1, () => `-m iprange --src-range 10.0.0.1-10.0.0.2`],
    [1, () => `-m pkttype --pkt-type ${choice.pick(['host', 'broadcast', 'unicast', 'multicast'])}`],
    [1, () => `-m physdev ${choice.pick(['--physdev-is-bridged', '--physdev-in p1', '--physdev-is-in'])}`],
    [1, () => '-m comment --comment words'],
    [1, () => `-m mark --mark ${choice.pick(['1', '0x7/0xf'])}`],
    [1, () => '-m limit --limit 1/hour --limit-burst 2'],
    [1, () => '-m statistic --mode nth --every 2 --packet 0'],
    [1, () => '-f'],
    [1, () => `-m multiport -p udp --dports 99,100`],
    [1, () => '-m state --state NEW'],
  ])();
}

function target(world: World, table: string): string {
  const { choice } = world;
  const own = world.chains.filter((chain) => chain.table === table).map(({ name }) => name);
  if (own.length > 0 && choice.chance(0.3)) return `-j ${choice.pick(own)}`;
  if (choice.chance(0.06)) return choice.pick(['', '-j NOWHERE', '-j REJECT --reject-with nothing', '-g INPUT']);
  switch (choice.chance(0.05) ? choice.pick(Object.keys(CHAINS)) : table) {
    case 'nat':
      return `-j ${choice.pick(['MASQUERADE', 'MASQUERADE', 'SNAT --to-source 10.0.0.200', `DNAT --to-destination ${world.someAddress()}`, 'REDIRECT', 'ACCEPT', 'RETURN', 'NETMAP --to 10.0.3.0/24'])}`;
    case 'mangle':
      return `-j ${choice.pick(['MARK --set-mark 1', 'TTL --ttl-set 10', 'TTL --ttl-dec 1', 'DSCP --set-dscp 8', 'ACCEPT', 'DROP', 'CONNMARK --save-mark'])}`;
    case 'raw':
      return `-j ${choice.pick(['NOTRACK', 'CT --notrack', 'ACCEPT', 'DROP'])}`;
    default:
      return `-j ${choice.pick(['ACCEPT', 'DROP', 'REJECT', 'RETURN', 'REJECT --reject-with icmp-host-prohibited', 'REJECT --reject-with tcp-reset', 'LOG'])}`;
  }
}

const rule: Step = (world) => {
  const { choice, iptables } = world;
  const ns = choice.pick(world.namespaces);
  const exec = world.exec(ns);
  const table = choice.weighted([
    [10, () => 'filter'],
    [5, () => 'nat'],
    [3, () => 'mangle'],
    [1, () => 'raw'],
  ])();
  const own = world.chains.filter((chain) => chain.ns === ns && chain.table === table).map(({ name }) => name);
  const chain = world.value([...CHAINS[table]!, ...own], ['NOCHAIN', 'PREROUTING']);
  const t = table === 'filter' ? '' : `-t ${table}`;
  const matches = choice.weighted([
    [2, () => ''],
    [6, () => match(world)],
    [3, () => `${match(world)} ${match(world)}`],
  ])();
  const spec = `${matches} ${target(world, table)}`;
  const what = choice.weighted([
    [14, () => `-A ${chain} ${spec}`],
    [5, () => `-I ${chain} ${choice.maybe(0.4, () => choice.pick(['1', '2', '9']))} ${spec}`],
    [2, () => `-R ${chain} ${choice.pick(['1', '2'])} ${spec}`],
    [3, () => `-D ${chain} ${choice.chance(0.7) ? choice.pick(['1', '2']) : spec}`],
    [1, () => `-C ${chain} ${spec}`],
    [2, () => `-P ${chain} ${world.value(['ACCEPT', 'DROP', 'ACCEPT'], ['REJECT', 'x'])}`],
    [1, () => `-F ${choice.maybe(0.5, () => chain)}`],
    [1, () => `-Z ${choice.maybe(0.5, () => chain)}`],
    [1, () => `-X ${choice.maybe(0.5, () => chain)}`],
    // A chain of the table's own is renamed by nf_tables too, and then iptables cannot read the table any more.
    [1, () => `-E ${own[0] ?? 'NOCHAIN'} renamed`],
  ])();
  world.run(`${exec}${iptables} ${t} ${what}`);
};

const chain: Step = (world) => {
  const { choice, iptables } = world;
  const ns = choice.pick(world.namespaces);
  const table = choice.pick(['filter', 'filter', 'nat', 'mangle']);
  const name = world.value([world.name('own')], ['INPUT', 'much-too-long-a-name-for-a-chain', 'DROP']);
  world.run(`${world.exec(ns)}${iptables} -t ${table} -N ${name}`);
  world.chains.push({ ns, table, name });
};

export const FIREWALL_STEPS: readonly (readonly [number, Step])[] = [
  [12, rule],
  [2, chain],
];

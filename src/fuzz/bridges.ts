/** Settings of bridges and their ports, and their forwarding database. */
import type { Step } from './links.ts';
import type { Device, World } from './world.ts';

const isPort = ({ master }: Device): boolean => master !== undefined;

const FLAGS = [
  'guard',
  'hairpin',
  'hairpin',
  'fastleave',
  'root_block',
  'learning',
  'learning',
  'flood',
  'flood',
  'mcast_flood',
  'bcast_flood',
  'mcast_to_unicast',
  'neigh_suppress',
  'isolated',
  'isolated',
  'locked',
] as const;

function number(world: World): string {
  return world.choice.weighted([
    [3, () => `cost ${world.value(['1', '5', '100', '65535'], ['0', '65536', '-1', 'x'])}`],
    [3, () => `priority ${world.value(['0', '8', '32', '63'], ['64', '-1', 'x'])}`],
    [4, () => `state ${world.value(['0', '1', '2', '3', '3', '4'], ['5', '7', 'up', '-1'])}`],
    [1, () => `mcast_router ${world.value(['0', '1', '2'], ['3', '4'])}`],
  ])();
}

const portFlag: Step = (world) => {
  const { choice } = world;
  const port = world.device(isPort);
  const what = choice.chance(0.75) ? `${choice.pick(FLAGS)} ${world.onOff()}` : number(world);
  const more = choice.maybe(0.15, () => `${choice.pick(FLAGS)} ${world.onOff()}`);
  const side = choice.maybe(0.06, () => choice.pick(['self', 'master']));
  world.run(`${world.bridge(port.ns)} link set dev ${world.nameOf(port)} ${what}${more}${side}`);
};

const slave: Step = (world) => {
  const { choice } = world;
  const port = world.device(isPort);
  const flags = [
    ...FLAGS.filter((flag) => flag !== 'fastleave'),
    'proxy_arp',
    'proxy_arp',
    'proxy_arp_wifi',
    'mcast_fast_leave',
  ];
  const what = choice.weighted([
    [12, () => `${choice.pick(flags)} ${world.onOff()}`],
    [4, () => number(world)],
    [1, () => 'fdb_flush'],
    [1, () => `group_fwd_mask ${choice.pick(['0', '8', '16384', '1', '7'])}`],
    [1, () => `backup_port ${choice.pick(world.devices).name}`],
    [1, () => 'nobackup_port'],
  ])();
  world.run(`${world.ip(port.ns)} link set ${world.nameOf(port)} type bridge_slave ${what}`);
};

const bridgeOption: Step = (world) => {
  const { choice } = world;
  const bridge = world.of('bridge');
  const what = choice.weighted([
    [3, () => `ageing_time ${world.value(['30000', '6000'], ['-1', 'x'])}`],
    [2, () => `forward_delay ${world.value(['200', '400', '1500', '3000'], ['100', '3002', '0'])}`],
    [1, () => `hello_time ${world.value(['100', '200', '1000'], ['99', '1001'])}`],
    [1, () => `max_age ${world.value(['600', '2000', '4000'], ['599', '4001'])}`],
    [2, () => `priority ${world.value(['0', '4096', '32768', '65535'], ['65536', '-1'])}`],
    [3, () => `mcast_snooping ${world.value(['0'], ['x'])}`],
    [1, () => 'fdb_flush'],
    [2, () => `group_fwd_mask ${world.value(['0', '8', '16384'], ['1', '7', '65536'])}`],
    [
      2,
      () =>
        `group_address ${world.value(['01:80:c2:00:00:00', '01:80:c2:00:00:0e'], ['01:80:c2:00:00:01', world.mac()])}`,
    ],
    [1, () => `no_linklocal_learn ${choice.pick(['0', '1'])}`],
    [1, () => `mcast_router ${world.value(['0', '1', '2'], ['3'])}`],
    [1, () => `nf_call_iptables ${world.value(['0', '1'], ['2'])}`],
    [1, () => `mcast_igmp_version ${world.value(['2', '3'], ['1', '4'])}`],
    [1, () => `mcast_hash_max ${world.value(['512', '4096'], ['3', '0'])}`],
    ...(world.profile.vlan ? ([[1, () => `vlan_filtering ${choice.pick(['0', '0', '1'])}`]] as const) : []),
    [1, () => `stp_state ${choice.pick(['0', '0', '1'])}`],
  ])();
  world.run(`${world.ip(bridge.ns)} link set ${world.nameOf(bridge)} type bridge ${what}`);
};

const fdb: Step = (world) => {
  const { choice } = world;
  const device = world.device((one) => isPort(one) || one.kind === 'bridge');
  const verb = choice.weighted([
    [5, () => 'add'],
    [2, () => 'append'],
    [3, () => 'replace'],
    [4, () => 'del'],
  ])();
  const kind = choice.weighted([
    [3, () => ''],
    [3, () => 'static'],
    [3, () => 'dynamic'],
    [3, () => 'local'],
    [1, () => 'permanent'],
    [1, () => 'temp'],
  ])();
  const side = choice.weighted([
    [8, () => 'master'],
    [3, () => ''],
    [2, () => 'self'],
    [1, () => 'self master'],
  ])();
  const flag = choice.maybe(0.12, () => choice.pick(['sticky', 'extern_learn', 'use', 'offload']));
  const vlan = choice.maybe(world.profile.vlan ? 0.04 : 0, () => `vlan ${choice.pick(['1', '10', '4095'])}`);
  const bridge = world.bridge(device.ns);
  world.run(`${bridge} fdb ${verb} ${world.someMac()} dev ${world.nameOf(device)} ${side} ${kind}${flag}${vlan}`);
};

const fdbRead: Step = (world) => {
  const { choice } = world;
  const device = world.device((one) => isPort(one) || one.kind === 'bridge');
  const bridge = world.bridge(device.ns);
  const what = choice.weighted([
    [3, () => `fdb get ${world.someMac()} br ${world.of('bridge').name}`],
    [1, () => `fdb get ${world.someMac()} dev ${device.name} ${choice.pick(['master', 'self', ''])}`],
    [
      1,
      () =>
        `fdb flush dev ${device.name}${choice.maybe(0.5, () => choice.pick(['static', 'dynamic', 'permanent', 'local']))}`,
    ],
  ])();
  world.run(`${bridge} ${what}`);
};

export const BRIDGE_STEPS: readonly (readonly [number, Step])[] = [
  [10, portFlag],
  [6, slave],
  [6, bridgeOption],
  [8, fdb],
  [2, fdbRead],
];

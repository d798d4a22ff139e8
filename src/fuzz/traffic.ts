/** Traffic, and captures of it. */
import type { Step } from './links.ts';
import type { Device } from './world.ts';

const speaks = ({ addresses, kind }: Device): boolean => addresses.length > 0 && kind !== 'lo';

const ping: Step = (world) => {
  const { choice } = world;
  const device = world.device(speaks);
  const target = choice.weighted([
    [12, () => world.someAddress(({ ns }) => ns !== device.ns)],
    [2, () => world.someAddress(({ ns }) => ns === device.ns)],
    [2, () => choice.pick(['10.0.0.255', '255.255.255.255', '224.0.0.1', '10.0.0.0', '10.0.0.99'])],
  ])();
  const options = [
    choice.maybe(0.12, () => `-s ${world.value(['0', '8', '500', '1472', '1473', '3000'], ['65508', '-1', 'x'])}`),
    choice.maybe(
      0.12,
      () => `-I ${choice.chance(0.6) ? world.nameOf(device) : world.someAddress(({ ns }) => ns === device.ns)}`,
    ),
    choice.maybe(0.1, () => `-t ${world.value(['1', '2', '64'], ['0', '256'])}`),
    choice.maybe(0.06, () => `-M ${choice.pick(['do', 'dont', 'want'])}`),
    choice.maybe(0.12, () => '-b'),
    choice.maybe(0.04, () => '-R'),
    choice.maybe(0.05, () => `-Q ${choice.pick(['0x10', '0xb8'])}`),
    choice.maybe(0.05, () => '-r'),
    choice.maybe(0.04, () => '-L'),
    choice.maybe(0.03, () => '-m 1'),
    choice.maybe(0.04, () => '-p ff'),
    choice.maybe(0.08, () => '-q'),
    choice.maybe(0.03, () => '-v'),
    choice.maybe(0.03, () => '-n -O'),
  ].join('');
  const count = choice.chance(0.12) ? '-c 2 -i 0.3' : '-c 1';
  world.run(`${world.exec(device.ns)}ping ${count} -W 0.4${options} ${target}`);
};

const arping: Step = (world) => {
  const { choice } = world;
  const device = world.device(speaks);
  const how = choice.weighted([
    [6, () => '-f -w 1 -c 1'],
    [3, () => '-D -w 1 -c 1'],
    [3, () => '-U -c 1'],
    [3, () => '-A -c 1'],
    [1, () => '-b -w 1 -c 1'],
    [1, () => '-q -w 1 -c 1'],
  ])();
  const source = choice.maybe(0.1, () => `-s ${world.someAddress()}`);
  const own = /-[UA]/.test(how) && choice.chance(0.7);
  const target = own ? world.someAddress(({ ns }) => ns === device.ns) : world.someAddress();
  world.run(`${world.exec(device.ns)}arping ${how}${source} -I ${world.nameOf(device)} ${target}`);
};

const datagram: Step = (world) => {
  const { choice } = world;
  const device = world.device(speaks);
  const target = world.someAddress(({ ns }) => ns !== device.ns);
  const send = `echo ${choice.pick(['x', 'hello', '1234567890123456789012345678901234567890'])} > /dev/udp/${target}/${choice.pick(['99', '53', '7'])}`;
  world.run(`${world.exec(device.ns)}bash -c "${send}${choice.chance(0.3) ? `; sleep 0.4; ${send}` : ''}"`);
  // What cannot be resolved comes back after a moment.
  world.settle();
};

const connection: Step = (world) => {
  const { choice } = world;
  const device = world.device(speaks);
  const target = world.someAddress(({ ns }) => ns !== device.ns);
  world.run(`${world.exec(device.ns)}timeout 0.4 bash -c "echo x > /dev/tcp/${target}/${choice.pick(['80', '22'])}"`);
};

const FILTERS = [
  '',
  '',
  'arp',
  'icmp',
  'arp or icmp',
  'not arp',
  'ether broadcast',
  'ip',
  'greater 90',
  'ether src 02:00:00:00:00:02',
];

/** A capture of one or two devices around some traffic. */
const captured: Step = (world) => {
  const { choice } = world;
  const found = choice
    .shuffled(world.among(({ kind, up }) => kind !== 'lo' && up === true))
    .slice(0, choice.between(1, 2));
  const devices = found.filter((one, index) => found.findIndex(({ name }) => name === one.name) === index);
  for (const { ns, name } of devices) {
    const direction = choice.maybe(0.15, () => `-Q ${choice.pick(['in', 'out', 'inout'])}`);
    const quiet = choice.maybe(0.1, () => '-p');
    const text = choice.maybe(0.15, () => choice.pick(['-v', '-q']));
    world.run(`listen ${ns === '' ? '-' : ns} ${name}${direction}${quiet}${text} ${choice.pick(FILTERS)}`);
  }
  for (let i = choice.between(1, 2); i > 0; i--) choice.weighted(SEEN)(world);
  world.run(`heard ${devices.map(({ name }) => name).join(' ')}`);
};

/** What is captured has no sequence numbers that are left to chance. */
const SEEN: readonly (readonly [number, Step])[] = [
  [14, ping],
  [4, arping],
  [3, datagram],
];
const SENDING: readonly (readonly [number, Step])[] = [...SEEN, [2, connection]];

export const TRAFFIC_STEPS: readonly (readonly [number, Step])[] = [...SENDING, [4, captured]];

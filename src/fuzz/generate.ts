/**
 * Random labs. A lab begins with a network that works, changes it in ways that a person might, with a
 * mistake here and there, sends something, and looks at what has become of it. Two areas are chosen
 * for each lab that come more often, so that things meet which rarely meet by chance.
 */
import { Random } from '../sim/random.ts';
import { BRIDGE_STEPS } from './bridges.ts';
import { Choice } from './choice.ts';
import { FIREWALL_STEPS } from './firewall.ts';
import type { FuzzLab } from './fuzz-lab.ts';
import { ADDRESS_STEPS, NEIGHBOUR_STEPS, OLD_STEPS, ROUTE_STEPS, SETTING_STEPS } from './layer3.ts';
import { LINK_STEPS, MACVLAN_STEPS, MASTER_STEPS, type Step, VLAN_STEPS } from './links.ts';
import { observationSteps } from './observations.ts';
import { topology } from './topology.ts';
import { TRAFFIC_STEPS } from './traffic.ts';
import { type Profile, World } from './world.ts';

type Area = readonly (readonly [number, Step])[];

/** Times that the steps of a favoured area come more often. */
const FAVOUR = 6;

function areasOf(world: World): Area[] {
  const has = (kind: string) => world.devices.some((device) => device.kind === kind);
  const areas: Area[] = [LINK_STEPS, ADDRESS_STEPS, NEIGHBOUR_STEPS, ROUTE_STEPS, SETTING_STEPS, FIREWALL_STEPS];
  if (has('macvlan')) areas.push(MACVLAN_STEPS, MACVLAN_STEPS);
  if (has('bridge')) areas.push(BRIDGE_STEPS, BRIDGE_STEPS, MASTER_STEPS);
  if (world.profile.vlan) areas.push(VLAN_STEPS);
  areas.push(OLD_STEPS);
  return areas;
}

/** The lab of a seed: always the same one. */
export function generateLab(seed: number, profile: Profile): FuzzLab {
  const choice = new Choice(new Random(seed).stream('fuzz'));
  const world = new World(choice, profile);
  topology(world);
  const areas = areasOf(world);
  const favoured = [choice.pick(areas), choice.pick(areas)];
  const changes = [...new Set(areas)].flatMap((area) =>
    area.map(([weight, step]) => [favoured.includes(area) ? weight * FAVOUR : weight, step] as const),
  );
  const rounds = choice.between(2, 5);
  for (let round = 0; round < rounds; round++) {
    for (let i = choice.between(1, 5); i > 0; i--) choice.weighted(changes)(world);
    if (choice.chance(0.25)) world.calm();
    else world.settle();
    for (let i = choice.between(0, 3); i > 0; i--) choice.weighted(TRAFFIC_STEPS)(world);
    for (let i = choice.between(1, 3); i > 0; i--) choice.weighted(observationSteps(world))(world);
  }
  world.calm();
  for (let i = choice.between(4, 7); i > 0; i--) choice.weighted(observationSteps(world))(world);
  return { seed, commands: world.commands };
}

import { bridgeKind } from './link-bridge.ts';
import { bridgeSlaveKind } from './link-bridge-slave.ts';
import { dummyKind } from './link-dummy.ts';
import { ipvlanKind, ipvtapKind } from './link-ipvlan.ts';
import type { LinkKind } from './link-kind.ts';
import { macvlanKind, macvtapKind } from './link-macvlan.ts';
import { vethKind } from './link-veth.ts';
import { vlanKind } from './link-vlan.ts';

const KINDS = new Map<string, LinkKind>(
  [bridgeKind, bridgeSlaveKind, dummyKind, ipvlanKind, ipvtapKind, macvlanKind, macvtapKind, vethKind, vlanKind].map(
    (kind) => [kind.id, kind],
  ),
);

/** Kinds that iproute2 6.1 reads options of and Hairpin does not. */
const OTHERS = new Set(
  (
    'amt bareudp batadv bond bond_slave can dsa erspan geneve gre gretap gtp hsr ifb ip6erspan ip6gre ip6gretap ' +
    'ip6tnl ipip ipoib macsec netdevsim nlmon rmnet sit team team_slave tun vcan virt_wifi vrf vrf_slave vti vti6 ' +
    'vxcan vxlan wwan xfrm'
  ).split(' '),
);

/** get_link_kind(). */
export function linkKind(id: string): LinkKind | undefined {
  return KINDS.get(id);
}

/** Whether iproute2 knows the kind but Hairpin has nothing for it. */
export function isForeignKind(id: string): boolean {
  return OTHERS.has(id);
}

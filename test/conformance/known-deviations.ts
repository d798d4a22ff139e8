/**
 * Cases in which the twin is known to differ from the recorded kernel, with the reason. A case that is
 * listed and agrees fails the suite: the list only holds what is true.
 */
export const KNOWN_DEVIATIONS: Readonly<Record<string, string>> = {
  'vlan: details': 'User-Mode Linux 6.1 is built without CONFIG_RPS and so has no numrxqueues; Linux 6.18 has',
  'vlan: another VLAN does not hear':
    'User-Mode Linux starts programs slowly: a third ARP request gets in before the counter is read',
  'vlan: a VLAN on a macvlan, a macvlan on a VLAN':
    'two addresses answer one ARP request; which is first depends on when the work queue of the macvlan runs',
};

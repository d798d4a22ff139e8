/**
 * Cases in which the twin is known to differ from the recorded kernel, with the reason. A case that is
 * listed and agrees fails the suite: the list only holds what is true. A name may begin with the kernel
 * that it is about: `uml-6.1` is older than the one that the twin models.
 */
export const KNOWN_DEVIATIONS: Readonly<Record<string, string>> = {
  'uml-6.1 vlan: details': 'User-Mode Linux 6.1 is built without CONFIG_RPS and so has no numrxqueues; Linux 6.18 has',
  'uml-6.1 vlan: another VLAN does not hear':
    'User-Mode Linux starts programs slowly: a third ARP request gets in before the counter is read',
  'uml-6.1 vlan: a VLAN on a macvlan, a macvlan on a VLAN':
    'two addresses answer one ARP request; which is first depends on when the work queue of the macvlan runs',
  'uml-6.1 link-refusals: lo cannot be deleted, moved, enslaved':
    'Linux 6.1 refuses to move it without a text of its own',
  'uml-6.1 link-refusals: a bridge stays in its namespace': 'Linux 6.1 refuses to move it without a text of its own',
  'uml-6.1 link-refusals: moving to a namespace where the name is taken': 'Linux 6.1 refuses without a text of its own',
  'uml-6.1 link-refusals: a device that is up may be renamed': 'Linux 6.1 refuses it, since 6.3 it works',
};

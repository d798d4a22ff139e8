/**
 * Cases in which the twin is known to differ from the recorded kernel, with the reason. A case that is
 * listed and agrees fails the suite: the list only holds what is true. A name may begin with the kernel
 * that it is about: `uml-6.1` is older than the one that the twin models.
 */
export const KNOWN_DEVIATIONS: Readonly<Record<string, string>> = {
  'uml-6.1 link-refusals: refusals with a reason since Linux 6.2':
    'Linux 6.1 refuses the same with the error alone: rtnetlink and devinet have these texts since 6.2 and later',
  'uml-6.1 link-refusals: a device that is up may be renamed':
    'Linux 6.1 refuses it (dev_change_name() looks at IFF_UP); since 6.3 it works',
  'uml-6.1 macvlan-rules: parent down, seen from another namespace':
    'Linux 6.1 says LOWERLAYERDOWN: its default_operstate() does not look for the parent in the namespace of the child',
  'uml-6.1 sysctl: the names of settings that not every kernel has':
    'Linux 6.1 has fewer settings of net.core in namespaces, and it is built with DCCP and without timestamps of connections',
  'uml-6.1 netfilter: how old connections are': 'built without CONFIG_NF_CONNTRACK_TIMESTAMP',
  'uml-6.1 conntrack: packets and octets, and how old': 'built without CONFIG_NF_CONNTRACK_TIMESTAMP',
  'uml-6.1 recent: a hit count above 255': 'Linux 6.1 refuses it; later kernels count to 65535',
  'uml-6.1 forms: a counter of packets sent, which newer kernels have': 'Linux 6.1 has no OutTransmits',
  'uml-6.1 fuzz: a name is looked for where the device is to be':
    'Linux 6.1 looks for it in the namespace of the command',
  'uml-6.1 fuzz: entries towards the bridge, and entries with a VLAN':
    'Linux 6.1 refuses to delete an entry of a VLAN that the port does not have, later ones look for it',
  'uml-6.1 fuzz: an ICMP message that is rejected on its way out causes no other':
    'User-Mode Linux has one processor, where the lock of icmp_xmit_lock() is none: an error within an error is sent',
  'uml-6.1 fuzz: a route of the table main that refuses is not looked for in the table default':
    'Linux 6.1.176 goes on to the table default after any error, later ones only if no route was found',
  'uml-6.1 macvlan-frames: each copy of a broadcast is answered before the next is made':
    'User-Mode Linux has one processor: all copies are handed over before the first is answered',
  'uml-6.1 neigh: what waits for an answer, by bytes':
    'buffers of Linux 6.1 without SMP have other sizes in memory, by which the queue is limited',
};

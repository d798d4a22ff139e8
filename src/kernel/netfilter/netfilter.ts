/** Netfilter's place in the kernel: sysctls, device and address events, the end of namespaces. */
import type { Kernel } from '../core/kernel.ts';
import type { InIfaddr } from '../ipv4/in-device.ts';
import { nfCtHook } from '../ipv4/nf-ct-hook.ts';
import { iptExit } from './ip-tables-replace.ts';
import { nfCtAttach } from './nf-conntrack-core.ts';
import { conntrackSysctls } from './nf-conntrack-standalone.ts';
import { conntrackNet } from './nf-conntrack-state.ts';
import { nfLogSysctls } from './nf-log.ts';
import { masqueradeForget } from './nf-nat-masquerade.ts';
import { nftExit } from './nf-tables.ts';

/**
 * An address went away: what was masqueraded as it is forgotten.
 * @kernel net/netfilter/nf_nat_masquerade.c masq_inet_event
 */
function masqInetEvent(ifa: InIfaddr): void {
  const { dev, dead } = ifa.dev;
  if (!dead && conntrackNet.peek(dev.net) !== undefined) masqueradeForget(dev.net, dev.ifindex, ifa.address);
}

export function registerNetfilter(kernel: Kernel): void {
  nfCtHook.attach = nfCtAttach;
  nfCtHook.addressDown = masqInetEvent;
  kernel.sysctl.table('net/netfilter', conntrackSysctls);
  kernel.sysctl.table('net/netfilter/nf_log', nfLogSysctls);
  kernel.registerNotifier({
    name: 'nf_nat_masquerade',
    priority: 0,
    call(event, dev) {
      if (event === 'DOWN' && conntrackNet.peek(dev.net) !== undefined) masqueradeForget(dev.net, dev.ifindex);
      return 0;
    },
  });
  kernel.pernet.push({
    name: 'netfilter',
    exit(net) {
      iptExit(net);
      nftExit(net);
    },
  });
}

/** net.core: settings of the device layer, those that every namespace has (net/core/sysctl_net_core.c). */
import type { Kernel } from './kernel.ts';
import { PerNet } from './net-namespace.ts';
import { intSysctl, type SysctlEntries } from './sysctl.ts';

/** Settings that change nothing of what is modelled, with the values of 6.18. */
const DEFAULTS = {
  optmem_max: 131072,
  rmem_default: 212992,
  rmem_max: 4194304,
  rps_default_mask: 0,
  somaxconn: 4096,
  tstamp_allow_data: 1,
  txrehash: 1,
  wmem_default: 212992,
  wmem_max: 4194304,
  xfrm_acq_expires: 30,
  xfrm_aevent_etime: 10,
  xfrm_aevent_rseqth: 2,
  xfrm_larval_drop: 1,
};

const core = new PerNet(() => ({ ...DEFAULTS }));

export function registerDevSysctls(kernel: Kernel): void {
  kernel.sysctl.table('net/core', (net) => {
    const values = core.of(net);
    const entries: SysctlEntries = {};
    for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
      entries[name] = intSysctl(
        () => values[name],
        (value) => {
          values[name] = value;
        },
      );
    }
    return entries;
  });
}

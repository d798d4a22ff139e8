/** Addresses that live for a limited time. */

import type { Timer } from '../../sim/queue.ts';
import { IFA_F_PERMANENT, INFINITY_LIFE_TIME } from '../../uapi/rtnetlink.ts';
import type { Kernel } from '../core/kernel.ts';
import type { InDevice, InIfaddr } from './in-device.ts';
import { inDevGet } from './in-device.ts';
import type { Ipv4Net } from './ipv4-net.ts';

export const IFA_F_DEPRECATED = 0x20;
const SECOND = 1e9;

/** @kernel net/ipv4/devinet.c set_ifa_lifetime */
export function setIfaLifetime(ifa: InIfaddr, valid: number, preferred: number): void {
  const { now } = ifa.dev.ipv4.kernel.queue;
  ifa.flags &= ~(IFA_F_PERMANENT | IFA_F_DEPRECATED);
  ifa.validLft = valid;
  ifa.preferredLft = preferred;
  if (valid !== INFINITY_LIFE_TIME || preferred !== INFINITY_LIFE_TIME) limited.add(ifa.dev.ipv4);
  if (valid === INFINITY_LIFE_TIME) ifa.flags |= IFA_F_PERMANENT;
  if (preferred === 0) ifa.flags |= IFA_F_DEPRECATED;
  if (ifa.cstamp === 0 && ifa.tstamp === 0) ifa.cstamp = now;
  ifa.tstamp = now;
}

/** Namespaces in which some address had a limited time: in others there is nothing to see to. */
const limited = new WeakSet<Ipv4Net>();
const timers = new WeakMap<Ipv4Net, Timer>();

/**
 * See to the next end of an address's time in the namespace.
 * @kernel net/ipv4/devinet.c check_lifetime
 * @param remove how an address is taken away
 */
export function scheduleLifetimes(ipv4: Ipv4Net, remove: (inDev: InDevice, ifa: InIfaddr) => void): void {
  if (!limited.has(ipv4)) return;
  const { queue }: Kernel = ipv4.kernel;
  timers.get(ipv4)?.cancel();
  let next = Number.POSITIVE_INFINITY;
  for (const ifa of finite(ipv4)) {
    const age = (queue.now - ifa.tstamp) / SECOND;
    if (ifa.validLft !== INFINITY_LIFE_TIME) {
      if (age >= ifa.validLft) {
        remove(ifa.dev, ifa);
        continue;
      }
      next = Math.min(next, ifa.tstamp + ifa.validLft * SECOND);
    }
    if (ifa.preferredLft === INFINITY_LIFE_TIME) continue;
    if (age >= ifa.preferredLft) ifa.flags |= IFA_F_DEPRECATED;
    else next = Math.min(next, ifa.tstamp + ifa.preferredLft * SECOND);
  }
  if (next === Number.POSITIVE_INFINITY) return;
  timers.set(
    ipv4,
    queue.after(next - queue.now, 'address lifetime', () => scheduleLifetimes(ipv4, remove)),
  );
}

function finite(ipv4: Ipv4Net): InIfaddr[] {
  const found: InIfaddr[] = [];
  for (const dev of ipv4.net.devices.values()) {
    for (const ifa of inDevGet(dev)?.ifaList ?? []) {
      if ((ifa.flags & IFA_F_PERMANENT) === 0 || ifa.preferredLft !== INFINITY_LIFE_TIME) found.push(ifa);
    }
  }
  return found;
}

/** What keeps a machine busy that was stopped by its budget: the message names the loop. */
import type { Kernel } from '../kernel/core/kernel.ts';
import type { NetNamespace } from '../kernel/core/net-namespace.ts';
import type { NetDevice } from '../kernel/core/netdevice.ts';

/** How many more events are watched. */
const WINDOW = 5000;
/** A device that sends so many frames meanwhile belongs to a loop. */
const BUSY = 50;
const SHOWN = 8;

/** A namespace's name; undefined for the first one. */
type NameOf = (net: NetNamespace) => string | undefined;

/**
 * Watch the kernel a little longer and say which devices frames keep passing through; undefined when it
 * is no matter of frames.
 */
export function diagnose(kernel: Kernel, nameOf: NameOf): string | undefined {
  const devices = kernel.namespaces.flatMap((net) => [...net.devices.values()]);
  const sent = (dev: NetDevice) => dev.stats.txPackets + dev.stats.rxPackets;
  const before = devices.map(sent);
  const startedAt = kernel.queue.now;
  for (let i = 0; i < WINDOW && kernel.queue.step(); i++);
  const moved = devices.map((dev, i) => ({ dev, frames: sent(dev) - before[i]! }));
  const most = Math.max(0, ...moved.map(({ frames }) => frames));
  if (most < BUSY) return busiest(devices, nameOf);
  const busy = moved.filter(({ frames }) => frames >= Math.max(BUSY, most / 4));
  const names = busy.map(({ dev }) => placeOf(dev, nameOf));
  const rest = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  const milliseconds = ((kernel.queue.now - startedAt) / 1e6).toFixed(1);
  return `frames keep passing through ${names.slice(0, SHOWN).join(', ')}${rest}, ${most} of them through one in ${milliseconds} ms`;
}

/** No loop in the kernel: a program sends and sends. Its device has seen most frames. */
function busiest(devices: readonly NetDevice[], nameOf: NameOf): string | undefined {
  const counts = devices.map((dev) => ({ dev, frames: dev.stats.txPackets }));
  const { dev, frames } = counts.reduce((a, b) => (b.frames > a.frames ? b : a));
  return frames < WINDOW ? undefined : `${frames} frames went out of ${placeOf(dev, nameOf)}`;
}

function placeOf(dev: NetDevice, nameOf: NameOf): string {
  const netns = nameOf(dev.net);
  return netns === undefined ? dev.name : `${dev.name} in ${netns}`;
}

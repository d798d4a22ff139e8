import { strerror } from '../../uapi/errno.ts';
import type { NetnsRef } from '../../uapi/netns.ts';
import type { Process } from '../../uapi/process.ts';
import { isRefusal, type Refusal } from '../../uapi/result.ts';

/** Where named namespaces are (NETNS_RUN_DIR of Debian's build). */
export const NETNS_RUN_DIR = '/run/netns';

/** netns_get_fd(): a name in {@link NETNS_RUN_DIR}, or a path if there is a slash in it. */
export function openNetns(process: Process, name: string): NetnsRef | Refusal {
  return process.files.openNetns(name.includes('/') ? name : `${NETNS_RUN_DIR}/${name}`);
}

/**
 * The first half of netns_switch(): the namespace to go to, undefined after the complaint. A file
 * that is no namespace opens, but setns() refuses it.
 */
export function findNetns(process: Process, name: string): NetnsRef | undefined {
  const path = `${NETNS_RUN_DIR}/${name}`;
  const ref = process.files.openNetns(path);
  if (!isRefusal(ref)) return ref;
  const exists = !isRefusal(process.files.stat(path));
  process.stderr.write(
    exists
      ? `setting the network namespace "${name}" failed: ${strerror(ref.errno)}\n`
      : `Cannot open network namespace "${name}": ${strerror(ref.errno)}\n`,
  );
  return undefined;
}

/** netns_switch(): move this process into the namespace; false after the complaint. */
export function netnsSwitch(process: Process, name: string): boolean {
  const ref = findNetns(process, name);
  if (!ref) return false;
  const refusal = process.task.setns(ref);
  if (refusal) {
    process.stderr.write(`setting the network namespace "${name}" failed: ${strerror(refusal.errno)}\n`);
    return false;
  }
  return true;
}

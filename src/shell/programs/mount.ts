/** mount, umount, mountpoint and findmnt, as far as labs use them; mktemp, mkfifo, chroot are elsewhere. */
import { EBUSY, strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { MemoryDirectory } from '../fs/inode.ts';
import type { Proc } from '../process/proc.ts';
import { readOptions, tryHelp } from './options.ts';

const MOUNT_LONG = [
  { name: 'bind', value: 'B' },
  { name: 'rbind', value: 'R' },
  { name: 'types', argument: 'required', value: 't' },
  { name: 'options', argument: 'required', value: 'o' },
  { name: 'make-private', value: 'private' },
  { name: 'make-rprivate', value: 'private' },
  { name: 'make-shared', value: 'private' },
  { name: 'make-rshared', value: 'private' },
  { name: 'make-slave', value: 'private' },
  { name: 'make-rslave', value: 'private' },
] as const;

export async function mount(proc: Proc): Promise<number> {
  const given = readOptions(proc, 't:o:BRnvrw', MOUNT_LONG);
  if (given === undefined) return 1;
  const { flags, operands } = given;
  const { vfs } = proc.system;
  const say = (text: string) => proc.stderr.write(`mount: ${text}\n`);
  if (operands.length === 0 && flags.size === 0) {
    proc.stdout.write(
      'rootfs on / type overlay (rw,relatime)\nproc on /proc type proc (rw,nosuid,nodev,noexec,relatime)\nsysfs on /sys type sysfs (rw,relatime)\n',
    );
    for (const each of proc.mounts.list)
      proc.stdout.write(`${each.source} on ${each.path} type ${each.type} (${each.options})\n`);
    return 0;
  }
  if (flags.has('private')) return 0;
  const [source, target] = operands.length === 1 ? ['none', operands[0]!] : operands;
  if (source === undefined || target === undefined || operands.length > 2) {
    say('bad usage');
    tryHelp(proc);
    return 1;
  }
  const options = (flags.get('o') ?? '').split(',').filter((each) => each !== '');
  if (options.includes('remount')) return 0;
  const place = vfs.resolve(proc, target);
  if (isRefusal(place)) {
    say(
      `${target}: mount point does not exist.\n       dmesg(1) may have more information after failed mount system call.`,
    );
    return 32;
  }
  const bind = flags.has('B') || flags.has('R') || options.includes('bind') || options.includes('rbind');
  if (bind) {
    const from = vfs.resolve(proc, source);
    if (isRefusal(from)) {
      say(
        `${target}: special device ${source} does not exist.\n       dmesg(1) may have more information after failed mount system call.`,
      );
      return 32;
    }
    const refused = vfs.mount(proc, target, from.inode, { source, type: 'none' });
    if (refused === undefined) return 0;
    say(`${target}: mount(2) system call failed: ${strerror(refused.errno)}.`);
    return 32;
  }
  const type = flags.get('t') ?? source;
  switch (type) {
    case 'tmpfs':
    case 'ramfs': {
      const mode = options.find((each) => each.startsWith('mode='))?.slice(5);
      const root = new MemoryDirectory(mode === undefined ? 0o1777 : Number.parseInt(mode, 8));
      vfs.mount(proc, target, root, {
        source,
        type,
        options: ['rw', 'relatime', ...options.filter((each) => each !== 'rw')].join(','),
      });
      return 0;
    }
    case 'proc':
    case 'sysfs': {
      const root = vfs.root.lookup(type === 'proc' ? 'proc' : 'sys')!;
      if (place.inode !== root) vfs.mount(proc, target, root, { source, type });
      return 0;
    }
    default:
      say(
        `${target}: unknown filesystem type '${type}'.\n       dmesg(1) may have more information after failed mount system call.`,
      );
      return 32;
  }
}

export async function umount(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'lfnrvdR', [
    { name: 'lazy', value: 'l' },
    { name: 'force', value: 'f' },
    { name: 'recursive', value: 'R' },
  ]);
  if (given === undefined) return 1;
  if (given.operands.length === 0) {
    proc.stderr.write('umount: bad usage\n');
    tryHelp(proc);
    return 1;
  }
  let status = 0;
  for (const path of given.operands) {
    const found = proc.system.vfs.resolve(proc, path);
    if (isRefusal(found)) {
      proc.stderr.write(`umount: ${path}: no mount point specified.\n`);
      status = 32;
      continue;
    }
    const refused = proc.system.vfs.unmount(proc, path);
    if (refused === undefined) continue;
    proc.stderr.write(`umount: ${path}: ${refused.errno === EBUSY ? 'target is busy' : 'not mounted'}.\n`);
    status = 32;
  }
  return status;
}

export async function mountpoint(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'qdx', [{ name: 'quiet', value: 'q' }]);
  if (given === undefined) return 1;
  const path = given.operands[0] ?? '';
  const found = proc.system.vfs.resolve(proc, path);
  if (isRefusal(found)) {
    if (!given.flags.has('q')) proc.stderr.write(`mountpoint: ${path}: ${strerror(found.errno)}\n`);
    return 1;
  }
  const yes = found.mount !== undefined || ['/', '/proc', '/sys'].includes(found.path);
  if (!given.flags.has('q')) proc.stdout.write(`${path} is ${yes ? '' : 'not '}a mountpoint\n`);
  return yes ? 0 : 32;
}

/** /proc and /sys: processes from the table, the rest from the kernel's own virtual files. */
import { EBADF } from '../../uapi/errno.ts';
import { isRefusal, refuse } from '../../uapi/result.ts';
import type { Proc } from '../process/proc.ts';
import type { System } from '../process/system.ts';
import type { Inode } from './inode.ts';
import {
  DeviceInode,
  DirectoryInode,
  LinkInode,
  MagicLink,
  NsfsInode,
  VirtualDirectory,
  VirtualFile,
} from './inode.ts';

/** A directory of the kernel's: /proc/sys, /proc/net, /sys/class/net. */
export class KernelDirectory extends DirectoryInode {
  private readonly path: string;

  constructor(path: string, mode = 0o555) {
    super(mode);
    this.path = path;
  }

  lookup(name: string, proc: Proc): Inode | undefined {
    return kernelInode(`${this.path}/${name}`, proc);
  }

  list(proc: Proc): string[] {
    const names = proc.task.files.list(this.path);
    return isRefusal(names) ? [] : names;
  }

  override get size(): number {
    return 0;
  }
}

/** What the kernel has at an absolute path. */
export function kernelInode(path: string, proc: Proc): Inode | undefined {
  const stat = proc.task.files.stat(path);
  if (isRefusal(stat)) return undefined;
  if (stat.kind === 'directory') return new KernelDirectory(path, stat.mode);
  if (stat.kind === 'link') return new LinkInode(stat.target ?? '');
  return new VirtualFile(
    stat.mode,
    (reader) => reader.task.files.read(path),
    (writer, text) => writer.task.files.write(path, text),
  );
}

type Entry = (proc: Proc) => Inode;

function directory(
  entries: ReadonlyMap<string, Entry>,
  extra?: (proc: Proc) => string[],
  other?: (name: string, proc: Proc) => Inode | undefined,
): VirtualDirectory {
  return new VirtualDirectory(
    (name, proc) => entries.get(name)?.(proc) ?? other?.(name, proc),
    (proc) => [...(extra?.(proc) ?? []), ...entries.keys()],
  );
}

function text(read: (proc: Proc) => string): Entry {
  return () => new VirtualFile(0o444, read);
}

export function procDirectory(system: System): VirtualDirectory {
  const entries = new Map<string, Entry>([
    ['self', () => new LinkInode((proc) => String(proc.pid))],
    ['thread-self', () => new LinkInode((proc) => `${proc.pid}/task/${proc.pid}`)],
    ['net', () => new LinkInode('self/net')],
    ['sys', () => new KernelDirectory('/proc/sys')],
    ['mounts', () => new LinkInode('self/mounts')],
    ['uptime', text((proc) => `${(proc.now() / 1e9).toFixed(2)} ${(proc.now() / 1e9).toFixed(2)}\n`)],
    ['version', text(() => `Linux version ${system.machine.osRelease} (debian) #1 SMP\n`)],
    ['loadavg', text(() => `0.00 0.00 0.00 1/${system.table.size} ${[...system.table.keys()].at(-1)}\n`)],
    ['cpuinfo', text(() => 'processor\t: 0\nmodel name\t: hairpin\n\nprocessor\t: 1\nmodel name\t: hairpin\n\n')],
    ['meminfo', text(() => 'MemTotal:        4028272 kB\nMemFree:         3028272 kB\nMemAvailable:    3528272 kB\n')],
    ['cmdline', text(() => '\n')],
    ['filesystems', text(() => 'nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tnsfs\n')],
    ['modules', text(() => '')],
  ]);
  const pids = () => [...system.table.keys()].sort((a, b) => a - b).map(String);
  return directory(entries, pids, (name, proc) => {
    const target = /^\d+$/.test(name) ? system.table.get(Number(name)) : undefined;
    return target === undefined ? kernelInode(`/proc/${name}`, proc) : processDirectory(target);
  });
}

function processDirectory(target: Proc): VirtualDirectory {
  const entries = new Map<string, Entry>([
    ['cmdline', text(() => target.argv.map((arg) => `${arg}\0`).join(''))],
    ['comm', text(() => `${target.comm}\n`)],
    ['cwd', () => new LinkInode(target.cwd)],
    ['environ', text(() => [...target.env].map(([name, value]) => `${name}=${value}\0`).join(''))],
    ['exe', () => new LinkInode(`/usr/bin/${target.comm}`)],
    ['fd', () => descriptors(target)],
    ['mountinfo', text((proc) => mountInfo(proc))],
    ['mounts', text((proc) => mountTable(proc))],
    ['net', () => new KernelDirectory('/proc/net')],
    ['ns', () => namespaces(target)],
    ['root', () => new LinkInode('/')],
    ['stat', text(() => statLine(target))],
    ['status', text(() => statusText(target))],
    ['task', () => directory(new Map([[String(target.pid), () => processDirectory(target)]]))],
  ]);
  return directory(entries);
}

function descriptors(target: Proc): VirtualDirectory {
  return new VirtualDirectory(
    (name) => {
      const file = target.fds[Number(name)];
      if (file === undefined || !/^\d+$/.test(name)) return undefined;
      return new MagicLink(
        () => file.path,
        () =>
          new DeviceInode(
            () => target.fds[Number(name)]?.dup() ?? refuse(EBADF),
            0o600,
            file.seekable ? '-' : file.path.startsWith('pipe:') ? 'p' : 'c',
          ),
      );
    },
    () => Object.keys(target.fds).filter((fd) => target.fds[Number(fd)] !== undefined),
    0o500,
  );
}

/** Numbers of the namespaces that everybody shares. */
const SHARED = {
  cgroup: 4026531835,
  ipc: 4026531839,
  mnt: 4026531841,
  pid: 4026531836,
  time: 4026531834,
  user: 4026531837,
  uts: 4026531838,
};

function namespaces(target: Proc): VirtualDirectory {
  const entries = new Map<string, Entry>([
    [
      'net',
      () =>
        new MagicLink(
          () => `net:[${target.task.netns.inode}]`,
          () => new NsfsInode(target.task.netns),
        ),
    ],
  ]);
  for (const [name, inode] of Object.entries(SHARED)) entries.set(name, () => new LinkInode(`${name}:[${inode}]`));
  return directory(entries);
}

interface MountLine {
  source: string;
  path: string;
  type: string;
  options: string;
  /** What of the file system is mounted there. */
  root: string;
}

const FIXED_MOUNTS: readonly MountLine[] = [
  { source: 'rootfs', path: '/', type: 'overlay', options: 'rw,relatime', root: '/' },
  { source: 'proc', path: '/proc', type: 'proc', options: 'rw,nosuid,nodev,noexec,relatime', root: '/' },
  { source: 'sysfs', path: '/sys', type: 'sysfs', options: 'rw,relatime', root: '/' },
];

function mountsOf(proc: Proc): MountLine[] {
  const made = proc.mounts.list.map(({ source, path, type, options, root }): MountLine => {
    return { source, path, type, options, root: root instanceof NsfsInode ? `net:[${root.ref.inode}]` : '/' };
  });
  return [...FIXED_MOUNTS, ...made];
}

function mountTable(proc: Proc): string {
  return mountsOf(proc)
    .map(({ source, path, type, options }) => `${source} ${path} ${type} ${options} 0 0\n`)
    .join('');
}

/** Mount and parent (the root), device, what is mounted where, peer group, file system. */
function mountInfo(proc: Proc): string {
  const first = 21;
  const devices = [...new Set(mountsOf(proc).map(({ type }) => type))];
  return mountsOf(proc)
    .map(({ source, path, type, options, root }, i) => {
      const numbers = `${first + i} ${i === 0 ? 1 : first} 0:${first + devices.indexOf(type)}`;
      return `${numbers} ${root} ${path} ${options} shared:${i + 1} - ${type} ${source} rw\n`;
    })
    .join('');
}

/** R, S, T or Z. */
export function stateLetter(target: Proc): string {
  if (target.ended) return 'Z';
  if (target.stopped) return 'T';
  return target.state === 2 ? 'R' : 'S';
}

const STATE_NAMES: Readonly<Record<string, string>> = { R: 'running', S: 'sleeping', T: 'stopped', Z: 'zombie' };

function statusText(target: Proc): string {
  const letter = stateLetter(target);
  return [
    `Name:\t${target.comm}`,
    `Umask:\t${target.umask.toString(8).padStart(4, '0')}`,
    `State:\t${letter} (${STATE_NAMES[letter]})`,
    `Tgid:\t${target.pid}`,
    'Ngid:\t0',
    `Pid:\t${target.pid}`,
    `PPid:\t${target.parent?.pid ?? 0}`,
    'TracerPid:\t0',
    'Uid:\t0\t0\t0\t0',
    'Gid:\t0\t0\t0\t0',
    'Threads:\t1',
    '',
  ].join('\n');
}

function statLine(target: Proc): string {
  const ticks = Math.floor(target.startTime / 1e7);
  return `${target.pid} (${target.comm}) ${stateLetter(target)} ${target.parent?.pid ?? 0} ${target.pgid} ${target.sid} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${ticks} 0 0\n`;
}

/** /sys: the kernel's tree, with the few directories above it that nobody else makes. */
export function sysDirectory(): DirectoryInode {
  const top = ['class', 'devices', 'kernel', 'module', 'fs'];
  const classDirectory = new VirtualDirectory(
    (name, proc) => kernelInode(`/sys/class/${name}`, proc),
    () => ['net'],
  );
  return new VirtualDirectory(
    (name, proc) => {
      if (name === 'class') return classDirectory;
      const inode = kernelInode(`/sys/${name}`, proc);
      return (
        inode ??
        (top.includes(name)
          ? new VirtualDirectory(
              () => undefined,
              () => [],
            )
          : undefined)
      );
    },
    () => top,
  );
}

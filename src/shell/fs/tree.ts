/** The file tree that a machine starts with. */
import { RT_FILES } from '../../programs/ip/rt-files.ts';
import { EBADF } from '../../uapi/errno.ts';
import { refuse } from '../../uapi/result.ts';
import { encode } from '../process/bytes.ts';
import { NullFile, RandomFile } from '../process/open-file.ts';
import type { System } from '../process/system.ts';
import { DeviceInode, FileInode, LinkInode, type MemoryDirectory, ProgramInode } from './inode.ts';
import { dirname } from './path.ts';
import { procDirectory, sysDirectory } from './procfs.ts';
import type { Vfs } from './vfs.ts';

/** Programs that Debian keeps in /usr/sbin; the others are in /usr/bin. */
const SBIN = new Set(
  'arp bridge brctl chroot conntrack ethtool ifconfig ip6tables iptables iptables-legacy iptables-nft iptables-restore iptables-save ip6tables-save ip6tables-restore modprobe mii-tool nameif nft route rarp sysctl tc vconfig lsmod insmod rmmod depmod'.split(
    ' ',
  ),
);
/** Programs with a link in both. */
const BOTH = new Set(['ip']);

export function plantTree(system: System): void {
  const { vfs, init, machine } = system;
  const dirs =
    '/dev/pts /dev/shm /etc/netns /etc/network /home /mnt /opt /root /run /srv /tmp /usr/bin /usr/sbin /usr/lib /usr/share /usr/local/bin /usr/local/sbin /var/lib /var/log /var/tmp';
  for (const dir of dirs.split(' ')) vfs.mkdirs(init, dir);
  vfs.mkdirs(init, '/tmp').mode = 0o1777;
  vfs.mkdirs(init, '/var/tmp').mode = 0o1777;
  vfs.mkdirs(init, '/root').mode = 0o700;
  for (const name of ['bin', 'sbin', 'lib']) vfs.root.insert(name, new LinkInode(`usr/${name}`));
  vfs.mkdirs(init, '/var').insert('run', new LinkInode('/run'));
  vfs.root.insert('proc', procDirectory(system));
  vfs.root.insert('sys', sysDirectory());
  plantDevices(system);
  plantPrograms(system);
  const text: (readonly [string, string])[] = [
    ['/etc/hostname', `${machine.hostname}\n`],
    ['/etc/hosts', `127.0.0.1\tlocalhost\n127.0.1.1\t${machine.hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n`],
    ['/etc/passwd', 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n'],
    ['/etc/group', 'root:x:0:\nnogroup:x:65534:\n'],
    ['/etc/resolv.conf', ''],
    ['/etc/shells', '/bin/sh\n/bin/bash\n'],
    ['/etc/debian_version', '12.11\n'],
    ['/etc/os-release', OS_RELEASE],
    ['/etc/protocols', PROTOCOLS],
    ...RT_FILES,
  ];
  for (const [path, content] of text) plantFile(vfs, system, path, content);
}

function plantFile(vfs: Vfs, system: System, path: string, content: string): void {
  const file = new FileInode(vfs.usage, 0o644, encode(content));
  const name = path.slice(path.lastIndexOf('/') + 1);
  vfs.mkdirs(system.init, dirname(path)).insert(name, file);
}

function plantPrograms(system: System): void {
  const bin = system.vfs.mkdirs(system.init, '/usr/bin');
  const sbin = system.vfs.mkdirs(system.init, '/usr/sbin');
  for (const name of system.programNames) {
    const inode = new ProgramInode(name);
    if (!SBIN.has(name)) bin.insert(name, inode);
    if (SBIN.has(name) || BOTH.has(name)) sbin.insert(name, inode);
  }
}

function plantDevices(system: System): void {
  const dev = system.vfs.mkdirs(system.init, '/dev');
  for (const name of ['null', 'zero']) dev.insert(name, new DeviceInode(() => new NullFile(`/dev/${name}`)));
  for (const name of ['random', 'urandom']) {
    dev.insert(name, new DeviceInode(() => new RandomFile(`/dev/${name}`, () => system.machine.random())));
  }
  dev.insert('full', new DeviceInode(() => new NullFile('/dev/full')));
  dev.insert('tty', new DeviceInode((proc) => proc.fds.find((file) => file?.isTty === true)?.dup() ?? refuse(6)));
  for (const [name, fd] of [
    ['stdin', 0],
    ['stdout', 1],
    ['stderr', 2],
  ] as const) {
    dev.insert(name, new DeviceInode((proc) => proc.fds[fd]?.dup() ?? refuse(EBADF)));
  }
  dev.insert('fd', new LinkInode('/proc/self/fd'));
  (dev.entries.get('shm') as MemoryDirectory).mode = 0o1777;
}

const OS_RELEASE = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
`;

const PROTOCOLS = 'ip\t0\tIP\nicmp\t1\tICMP\nigmp\t2\tIGMP\ntcp\t6\tTCP\nudp\t17\tUDP\nipv6-icmp\t58\tIPv6-ICMP\n';

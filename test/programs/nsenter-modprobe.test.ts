/** Texts and statuses: util-linux 2.38.1 and kmod 30. */
import { describe, expect, it } from 'vitest';
import { lsmod, modprobe, rmmod } from '../../src/programs/modprobe.ts';
import { nsenter } from '../../src/programs/nsenter.ts';
import { EACCES, EINVAL, ENOENT } from '../../src/uapi/errno.ts';
import type { Process } from '../../src/uapi/process.ts';
import { refuse } from '../../src/uapi/result.ts';

const NAMESPACES: Readonly<Record<string, number>> = { '/run/netns/a': 7, '/proc/12/ns/net': 9 };

/** A process whose exec() tells what it was asked for; `missing` and `/etc/passwd` cannot be run. */
async function run(program: (process: Process) => Promise<number>, command: string) {
  let output = '';
  const stream = {
    write: (text: string) => {
      output += text;
    },
  };
  const process = {
    argv: command.split(' '),
    env: new Map([['SHELL', '/bin/bash']]),
    stdout: stream,
    stderr: stream,
    files: {
      openNetns: (path: string) =>
        path in NAMESPACES ? { inode: NAMESPACES[path] } : refuse(path === '/etc/passwd' ? EINVAL : ENOENT),
      stat: (path: string) => (path === '/etc/passwd' ? { kind: 'file', mode: 0o644 } : refuse(ENOENT)),
      readText: () => '6.18.0\n',
    },
    exec: async (argv: readonly string[], { netns }: { netns?: { inode: number } }) => {
      if (argv[0] === 'missing') return refuse(ENOENT);
      if (argv[0] === '/etc/passwd') return refuse(EACCES);
      output += `exec ${argv.join(' ')} in ${netns?.inode ?? 'its own'}`;
      return 3;
    },
  } as unknown as Process;
  const status = await program(process);
  return [status, output];
}

describe('nsenter runs a program in the namespace of a file or process', () => {
  it.each([
    ['nsenter --net=/run/netns/a ip link -br', 3, 'exec ip link -br in 7'],
    ['nsenter -n/run/netns/a -F -S 0 -- ls -l', 3, 'exec ls -l in 7'],
    ['nsenter -t 12 -n ls', 3, 'exec ls in 9'],
    ['nsenter -at 12 ls', 3, 'exec ls in 9'],
    ['nsenter -t 12 -m -u ls', 3, 'exec ls in its own'],
    ['nsenter -t 12 -n', 3, 'exec /bin/bash in 9'],
    ['nsenter -n ls', 1, 'nsenter: neither filename nor target pid supplied for ns/net\n'],
    ['nsenter -t 99 -n ls', 1, 'nsenter: cannot open /proc/99/ns/net: No such file or directory\n'],
    ['nsenter -t abc -n ls', 1, "nsenter: failed to parse pid: 'abc'\n"],
    ['nsenter --net=/run/netns/b ls', 1, 'nsenter: cannot open /run/netns/b: No such file or directory\n'],
    ['nsenter --net=/etc/passwd ls', 1, "nsenter: reassociate to namespace 'ns/net' failed: Invalid argument\n"],
    ['nsenter -n/run/netns/a missing', 127, 'nsenter: failed to execute missing: No such file or directory\n'],
    ['nsenter -n/run/netns/a /etc/passwd', 126, 'nsenter: failed to execute /etc/passwd: Permission denied\n'],
    ['nsenter -x', 1, "nsenter: invalid option -- 'x'\nTry 'nsenter --help' for more information.\n"],
    [
      'nsenter --u true',
      1,
      "nsenter: option '--u' is ambiguous; possibilities: '--uts' '--user'\nTry 'nsenter --help' for more information.\n",
    ],
    ['nsenter -r/tmp ls', 1, 'nsenter: option "-r" is not modelled\n'],
  ])('%s', async (command, status, output) => {
    expect(await run(nsenter, command)).toEqual([status, output]);
  });
});

describe('modules that the twin has are built in, others do not exist', () => {
  it.each([
    [modprobe, 'modprobe 8021q', 0, ''],
    [modprobe, 'modprobe -a macvlan br-netfilter xt_MASQUERADE nf_conntrack', 0, ''],
    [modprobe, 'modprobe -r veth', 0, ''],
    [modprobe, 'modprobe nosuch', 1, 'modprobe: FATAL: Module nosuch not found in directory /lib/modules/6.18.0\n'],
    [modprobe, 'modprobe -q nosuch', 1, ''],
    [modprobe, 'modprobe -r nosuch', 1, 'modprobe: FATAL: Module nosuch not found.\n'],
    [modprobe, 'modprobe', 1, 'modprobe: ERROR: missing parameters. See -h.\n'],
    [rmmod, 'rmmod foo', 1, 'rmmod: ERROR: Module foo is not currently loaded\n'],
    [lsmod, 'lsmod', 0, 'Module                  Size  Used by\n'],
    [lsmod, 'lsmod foo', 1, 'Usage: lsmod\n'],
  ] as const)('%o: %s', async (program, command, status, output) => {
    expect(await run(program, command)).toEqual([status, output]);
  });
});

/**
 * nsenter (util-linux 2.38): runs a program in the network namespace of a file or process. The twin's
 * processes share all other namespaces, so entering those of a process changes nothing.
 */
import { EACCES, strerror } from '../uapi/errno.ts';
import type { NetnsRef } from '../uapi/netns.ts';
import { complain, type Process } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import { Getopt, type LongOption } from './getopt.ts';

const USAGE = `
Usage:
 nsenter [options] [<program> [<argument>...]]

Run a program with namespaces of other processes.

Options:
 -a, --all              enter all namespaces
 -t, --target <pid>     target process to get namespaces from
 -m, --mount[=<file>]   enter mount namespace
 -u, --uts[=<file>]     enter UTS namespace (hostname etc)
 -i, --ipc[=<file>]     enter System V IPC namespace
 -n, --net[=<file>]     enter network namespace
 -p, --pid[=<file>]     enter pid namespace
 -C, --cgroup[=<file>]  enter cgroup namespace
 -U, --user[=<file>]    enter user namespace
 -T, --time[=<file>]    enter time namespace
 -S, --setuid <uid>     set uid in entered namespace
 -G, --setgid <gid>     set gid in entered namespace
     --preserve-credentials do not touch uids or gids
 -r, --root[=<dir>]     set the root directory
 -w, --wd[=<dir>]       set the working directory
 -W. --wdns <dir>       set the working directory in namespace
 -F, --no-fork          do not fork before exec'ing <program>
 -Z, --follow-context   set SELinux context according to --target PID

 -h, --help             display this help
 -V, --version          display version

For more details see nsenter(1).
`;

const LONG_OPTIONS: readonly LongOption[] = [
  { name: 'all', value: 'a' },
  { name: 'help', value: 'h' },
  { name: 'version', value: 'V' },
  { name: 'target', argument: 'required', value: 't' },
  { name: 'mount', argument: 'optional', value: 'm' },
  { name: 'uts', argument: 'optional', value: 'u' },
  { name: 'ipc', argument: 'optional', value: 'i' },
  { name: 'net', argument: 'optional', value: 'n' },
  { name: 'pid', argument: 'optional', value: 'p' },
  { name: 'user', argument: 'optional', value: 'U' },
  { name: 'cgroup', argument: 'optional', value: 'C' },
  { name: 'time', argument: 'optional', value: 'T' },
  { name: 'setuid', argument: 'required', value: 'S' },
  { name: 'setgid', argument: 'required', value: 'G' },
  { name: 'root', argument: 'optional', value: 'r' },
  { name: 'wd', argument: 'optional', value: 'w' },
  { name: 'wdns', argument: 'optional', value: 'W' },
  { name: 'no-fork', value: 'F' },
  { name: 'preserve-credentials', value: 'preserve-credentials' },
  { name: 'follow-context', value: 'Z' },
];

/** Namespaces that all processes share, by the option that enters them. */
const SHARED: Readonly<Record<string, string>> = {
  m: 'mnt',
  u: 'uts',
  i: 'ipc',
  p: 'pid',
  C: 'cgroup',
  U: 'user',
  T: 'time',
};

export async function nsenter(process: Process): Promise<number> {
  const fail = (text: string, status = 1) => {
    complain(process, `nsenter: ${text}\n`);
    return status;
  };
  let target = '';
  let all = false;
  let net: NetnsRef | undefined;
  let netOfTarget = false;
  const sharedOfTarget: string[] = [];

  const enterFile = (path: string): number => {
    const ref = process.files.openNetns(path);
    if (!isRefusal(ref)) {
      net = ref;
      return 0;
    }
    if (isRefusal(process.files.stat(path))) return fail(`cannot open ${path}: ${strerror(ref.errno)}`);
    return fail(`reassociate to namespace 'ns/net' failed: ${strerror(ref.errno)}`);
  };

  const getopt = new Getopt(process, '+ahVt:m::u::i::n::p::C::U::T::S:G:r::w::W::FZ', LONG_OPTIONS);
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    const { option, argument } = parsed;
    switch (option) {
      case 'a':
        all = true;
        break;
      case 't':
        if (!/^\s*\+?\d+$/.test(argument!)) return fail(`failed to parse pid: '${argument}'`);
        target = Number(argument) === 0 ? '' : String(Number(argument));
        break;
      case 'n':
        if (argument === undefined) netOfTarget = true;
        else if (enterFile(argument) !== 0) return 1;
        break;
      case 'F':
      case 'preserve-credentials':
        break;
      case 'S':
      case 'G':
        if (Number(argument) !== 0) return fail(`"-${option} ${argument}" is not modelled: there is only root`);
        break;
      case 'h':
        process.stdout.write(USAGE);
        return 0;
      case 'V':
        process.stdout.write('nsenter from util-linux 2.38.1\n');
        return 0;
      case '?':
        complain(process, "Try 'nsenter --help' for more information.\n");
        return 1;
      default: {
        const shared = SHARED[option];
        if (shared === undefined) return fail(`option "-${option}" is not modelled`);
        if (argument !== undefined) return fail(`"-${option}" with a file is not modelled`);
        sharedOfTarget.push(shared);
      }
    }
  }
  if (target === '') {
    const wanting = netOfTarget ? 'net' : sharedOfTarget[0];
    if (wanting !== undefined) return fail(`neither filename nor target pid supplied for ns/${wanting}`);
    if (all) return fail('no target PID specified for --all');
  } else if (netOfTarget || all || sharedOfTarget.length > 0) {
    const ref = process.files.openNetns(`/proc/${target}/ns/net`);
    if (isRefusal(ref)) return fail(`cannot open /proc/${target}/ns/net: ${strerror(ref.errno)}`);
    if (netOfTarget || all) net = ref;
  }
  const operands = getopt.operands;
  const argv = operands.length > 0 ? operands : [process.env.get('SHELL') ?? '/bin/sh'];
  const status = await process.exec(argv, net === undefined ? {} : { netns: net });
  if (typeof status === 'number') return status;
  return fail(`failed to execute ${argv[0]}: ${strerror(status.errno)}`, status.errno === EACCES ? 126 : 127);
}

/** Programs that say something about the machine: uname, hostname, id, whoami, nproc, arch, tty, logname, uptime. */
import type { Proc } from '../process/proc.ts';
import { complain, readOptions, tryHelp } from './options.ts';

export async function uname(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'asnrvmpio', [
    { name: 'all', value: 'a' },
    { name: 'kernel-name', value: 's' },
    { name: 'nodename', value: 'n' },
    { name: 'kernel-release', value: 'r' },
    { name: 'kernel-version', value: 'v' },
    { name: 'machine', value: 'm' },
    { name: 'processor', value: 'p' },
    { name: 'hardware-platform', value: 'i' },
    { name: 'operating-system', value: 'o' },
  ]);
  if (given === undefined) return 1;
  if (given.operands.length > 0) {
    complain(proc, `extra operand ‘${given.operands[0]}’`);
    tryHelp(proc);
    return 1;
  }
  const { machine } = proc.system;
  const facts: [string, string][] = [
    ['s', 'Linux'],
    ['n', machine.hostname],
    ['r', machine.osRelease],
    ['v', '#1 SMP PREEMPT_DYNAMIC'],
    ['m', 'x86_64'],
    ['p', 'unknown'],
    ['i', 'unknown'],
    ['o', 'GNU/Linux'],
  ];
  const { flags } = given;
  const wanted = facts.filter(([letter]) =>
    flags.has('a') ? letter !== 'p' && letter !== 'i' : flags.size === 0 ? letter === 's' : flags.has(letter),
  );
  proc.stdout.write(`${wanted.map(([, text]) => text).join(' ')}\n`);
  return 0;
}

export async function hostname(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'sfidIF:', [
    { name: 'short', value: 's' },
    { name: 'fqdn', value: 'f' },
  ]);
  if (given === undefined) return 1;
  if (given.operands.length > 0) {
    complain(proc, 'you must be root to change the host name');
    return 1;
  }
  const name = proc.system.machine.hostname;
  proc.stdout.write(
    `${given.flags.has('s') ? name.split('.')[0] : given.flags.has('I') || given.flags.has('i') ? '127.0.1.1' : name}\n`,
  );
  return 0;
}

export async function id(proc: Proc): Promise<number> {
  const given = readOptions(proc, 'unGgrz', [
    { name: 'user', value: 'u' },
    { name: 'name', value: 'n' },
    { name: 'group', value: 'g' },
    { name: 'groups', value: 'G' },
  ]);
  if (given === undefined) return 1;
  const { flags } = given;
  const one = flags.has('u') || flags.has('g') || flags.has('G');
  proc.stdout.write(one ? `${flags.has('n') ? 'root' : '0'}\n` : 'uid=0(root) gid=0(root) groups=0(root)\n');
  return 0;
}

export async function whoami(proc: Proc): Promise<number> {
  proc.stdout.write('root\n');
  return 0;
}

export async function nproc(proc: Proc): Promise<number> {
  proc.stdout.write('2\n');
  return 0;
}

export async function arch(proc: Proc): Promise<number> {
  proc.stdout.write('x86_64\n');
  return 0;
}

export async function tty(proc: Proc): Promise<number> {
  const isTty = proc.fds[0]?.isTty === true;
  if (proc.argv[1] !== '-s') proc.stdout.write(isTty ? '/dev/pts/0\n' : 'not a tty\n');
  return isTty ? 0 : 1;
}

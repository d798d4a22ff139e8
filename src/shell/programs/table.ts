/** The programs of this layer: those that deal with processes, files and time rather than with the network. */
import { bash } from '../bash/main.ts';
import type { SystemProgram } from '../process/system.ts';
import { awk } from '../text/awk.ts';
import { column, comm, fold, nl, paste, rev, tac } from '../text/columns.ts';
import { seq, uniq, wc } from '../text/counting.ts';
import { cut, tr } from '../text/cut-tr.ts';
import { diff } from '../text/diff.ts';
import { expr } from '../text/expr.ts';
import { grep } from '../text/grep.ts';
import { utility } from '../text/library.ts';
import { sed } from '../text/sed.ts';
import { sort } from '../text/sort.ts';
import { xargs } from '../text/xargs.ts';
import { builtinProgram } from './builtin-programs.ts';
import { cat } from './cat.ts';
import { date } from './date.ts';
import { basename, chmod, cp, dirname, ln, mkdir, mv, readlink, rm, rmdir, touch } from './file-commands.ts';
import { ls } from './ls.ts';
import { mkfifo, mktemp, realpath, truncate } from './make-files.ts';
import { mount, mountpoint, umount } from './mount.ts';
import { killall, killProgram, pgrep, pidof, pkill, ps } from './process-list.ts';
import { env, nice, nohup, setsid, stdbuf, sudo, timeout, unshare, which } from './run-command.ts';
import { sleep } from './sleep.ts';
import { stat } from './stat.ts';
import { head, tail, tee, yes } from './streams.ts';
import { arch, hostname, id, nproc, tty, uname, whoami } from './system-facts.ts';

/** Utilities of the library. */
const UTILITIES =
  'base64 du expand file find gunzip gzip join jq md5sum od printenv sha1sum sha256sum split strings tar tree unexpand yq zcat'.split(
    ' ',
  );

const OWN: [string, SystemProgram][] = [
  ['arch', arch],
  ['awk', awk],
  ['basename', basename],
  ['chmod', chmod],
  ['column', column],
  ['comm', comm],
  ['cp', cp],
  ['cut', cut],
  ['diff', diff],
  ['dirname', dirname],
  ['ln', ln],
  ['ls', ls],
  ['mkdir', mkdir],
  ['mv', mv],
  ['readlink', readlink],
  ['rev', rev],
  ['rm', rm],
  ['rmdir', rmdir],
  ['touch', touch],
  ['bash', bash],
  ['cat', cat],
  ['date', date],
  ['egrep', grep],
  ['env', env],
  ['expr', expr],
  ['false', async () => 1],
  ['fgrep', grep],
  ['fold', fold],
  ['grep', grep],
  ['head', head],
  ['hostname', hostname],
  ['id', id],
  ['kill', killProgram],
  ['killall', killall],
  ['mawk', awk],
  ['mkfifo', mkfifo],
  ['mktemp', mktemp],
  ['mount', mount],
  ['mountpoint', mountpoint],
  ['nice', nice],
  ['nl', nl],
  ['nohup', nohup],
  ['nproc', nproc],
  ['paste', paste],
  ['pgrep', pgrep],
  ['pidof', pidof],
  ['pkill', pkill],
  ['ps', ps],
  ['realpath', realpath],
  ['sed', sed],
  ['seq', seq],
  ['setsid', setsid],
  ['sh', bash],
  ['sleep', sleep],
  ['sort', sort],
  ['stat', stat],
  ['stdbuf', stdbuf],
  ['sudo', sudo],
  ['sync', async () => 0],
  ['tac', tac],
  ['tail', tail],
  ['tee', tee],
  ['timeout', timeout],
  ['tr', tr],
  ['true', async () => 0],
  ['truncate', truncate],
  ['tty', tty],
  ['umount', umount],
  ['uname', uname],
  ['uniq', uniq],
  ['unshare', unshare],
  ['wc', wc],
  ['which', which],
  ['whoami', whoami],
  ['xargs', xargs],
  ['yes', yes],
];

export const ownPrograms: ReadonlyMap<string, SystemProgram> = new Map<string, SystemProgram>([
  ...UTILITIES.map((name): [string, SystemProgram] => [name, utility(name)]),
  ...['[', 'echo', 'printf', 'pwd', 'test'].map((name): [string, SystemProgram] => [name, builtinProgram(name)]),
  ...OWN,
]);

import { EEXIST, ENOENT, strerror } from '../../uapi/errno.ts';
import type { NsidMessage } from '../../uapi/netns.ts';
import { isRefusal } from '../../uapi/result.ts';
import { type Args, matching } from './args.ts';
import type { Ip, IpObject } from './context.ts';
import { EXIT_FAILURE, EXIT_REFUSED, EXIT_USAGE, Exit } from './exit.ts';
import { talk, talkError } from './libnetlink.ts';
import { findNetns, NETNS_RUN_DIR, openNetns } from './netns-switch.ts';
import { getInteger } from './numbers.ts';

const USAGE = `Usage:	ip netns list
	ip netns add NAME
	ip netns attach NAME PID
	ip netns set NAME NETNSID
	ip [-all] netns delete [NAME]
	ip netns identify [PID]
	ip netns pids NAME
	ip [-all] netns exec [NAME] cmd ...
	ip netns monitor
	ip netns list-id [target-nsid POSITIVE-INT] [nsid POSITIVE-INT]
NETNSID := auto | POSITIVE-INT
`;

/** The names in {@link NETNS_RUN_DIR}, in the directory's order; none if there is no directory. */
function names(ip: Ip): string[] {
  const entries = ip.process.files.list(NETNS_RUN_DIR);
  return isRefusal(entries) ? [] : entries;
}

/** get_netnsid_from_name(): the id here of a named namespace, -1 if it has none or is none. */
function nsidOf(ip: Ip, name: string): number {
  const ref = openNetns(ip.process, name);
  return isRefusal(ref) ? -1 : ip.rtnl.getNsid(ref);
}

const nameMaps = new WeakMap<Ip, Map<number, string>>();

/** get_name_from_nsid(): the name of the namespace that has this id here, as it was at the first question. */
export function nameFromNsid(ip: Ip, nsid: number): string | undefined {
  if (nsid < 0) return undefined;
  let map = nameMaps.get(ip);
  if (!map) {
    map = new Map();
    for (const name of names(ip)) {
      const own = nsidOf(ip, name);
      if (own >= 0 && !map.has(own)) map.set(own, name);
    }
    nameMaps.set(ip, map);
  }
  return map.get(nsid);
}

function list(ip: Ip): number {
  const { out } = ip;
  const entries = ip.process.files.list(NETNS_RUN_DIR);
  if (isRefusal(entries)) return 0;
  out.newJson();
  for (const name of entries) {
    out.openObject();
    out.print('name', name, name);
    const nsid = nsidOf(ip, name);
    if (nsid >= 0) out.print('id', ` (id: ${nsid})`, nsid);
    out.text('\n');
    out.closeObject();
  }
  out.deleteJson();
  return 0;
}

/** print_nsid() */
function printNsid(ip: Ip, { nsid, currentNsid }: NsidMessage): void {
  const { out } = ip;
  out.openObject();
  if (nsid < 0) out.text('nsid unassigned ');
  else out.print('nsid', `nsid ${nsid} `, nsid);
  if (currentNsid !== undefined) {
    if (currentNsid < 0) out.text('current-nsid unassigned ');
    else out.print('current-nsid', `current-nsid ${currentNsid} `, currentNsid);
  }
  const here = currentNsid ?? nsid;
  const name = here < 0 ? undefined : names(ip).find((each) => nsidOf(ip, each) === here);
  if (name !== undefined) out.print('name', `(iproute2 netns name: ${name})`, name);
  out.text('\n');
  out.closeObject();
}

function listId(ip: Ip, args: Args): number {
  const { out } = ip;
  const given: { nsid?: number; 'target-nsid'?: number } = {};
  for (; args.left > 0; args.shift()) {
    const key = args.word;
    if (key !== 'nsid' && key !== 'target-nsid') return usage(ip);
    if (given[key] !== undefined) args.duparg(key, args.word);
    const word = args.next();
    const value = getInteger(word);
    if (value === undefined) args.invarg(`"${key}" value is invalid`, word);
    if (value < 0) args.invarg(`"${key}" value should be >= 0`, args.following ?? '(null)');
    given[key] = value;
  }
  const target = given['target-nsid'];
  const one = given.nsid === undefined ? undefined : ip.rtnl.getNsidMessage(given.nsid, target);
  const messages = one ?? ip.rtnl.dumpNsids(target);
  if (isRefusal(messages)) {
    talkError(ip.process, messages);
    return one === undefined ? complain(ip, 'Dump terminated') : EXIT_REFUSED;
  }
  out.newJson();
  for (const message of Array.isArray(messages) ? messages : [messages]) printNsid(ip, message);
  out.deleteJson();
  return 0;
}

/** netns_add(): a new namespace, or that of a process, bound to a new file in {@link NETNS_RUN_DIR}. */
function add(ip: Ip, args: Args, create: boolean): number {
  const { process } = ip;
  const { files } = process;
  let pid = 0;
  if (create) {
    if (args.left < 1) return complain(ip, 'No netns name specified');
  } else {
    if (args.left < 2) return complain(ip, 'No netns name and PID specified');
    pid = getInteger(args.following) ?? 0;
    if (!pid) return complain(ip, `Invalid PID: ${args.following}`);
  }
  const name = args.word;
  const path = `${NETNS_RUN_DIR}/${name}`;
  const made = files.mkdir(NETNS_RUN_DIR);
  if (made && made.errno !== EEXIST) {
    return complain(ip, `mkdir ${NETNS_RUN_DIR} failed: ${strerror(made.errno)}`);
  }
  const created = files.write(path, '', { exclusive: true });
  if (created) return complain(ip, `Cannot create namespace file "${path}": ${strerror(created.errno)}`);

  if (create) {
    const saved = process.task.netns;
    const unshared = process.task.unshareNet();
    const refused = unshared ?? files.bindNetns(path, process.task.netns);
    if (!unshared) process.task.setns(saved);
    if (!refused) return 0;
    complain(
      ip,
      unshared
        ? `Failed to create a new network namespace "${name}": ${strerror(refused.errno)}`
        : `Bind /proc/self/ns/net -> ${path} failed: ${strerror(refused.errno)}`,
    );
    remove(ip, name);
    return EXIT_FAILURE;
  }
  const ref = files.openNetns(`/proc/${pid}/ns/net`);
  const refused = isRefusal(ref) ? ref : files.bindNetns(path, ref);
  if (!refused) return 0;
  complain(ip, `Bind /proc/${pid}/ns/net -> ${path} failed: ${strerror(refused.errno)}`);
  const unlinked = files.unlink(path);
  if (unlinked) complain(ip, `Cannot remove namespace file "${path}": ${strerror(unlinked.errno)}`);
  return EXIT_FAILURE;
}

/** on_netns_del(). */
function remove(ip: Ip, name: string): number {
  const path = `${NETNS_RUN_DIR}/${name}`;
  ip.process.files.unmount(path);
  const refused = ip.process.files.unlink(path);
  return refused ? complain(ip, `Cannot remove namespace file "${path}": ${strerror(refused.errno)}`) : 0;
}

/** netns_foreach(): a missing directory is an empty one. */
async function forEachNetns(ip: Ip, visit: (name: string) => Promise<number> | number): Promise<number> {
  const entries = ip.process.files.list(NETNS_RUN_DIR);
  if (isRefusal(entries)) {
    if (entries.errno === ENOENT) return 0;
    return complain(ip, `Failed to open directory ${NETNS_RUN_DIR}: ${strerror(entries.errno)}`);
  }
  for (const name of entries) if ((await visit(name)) !== 0) break;
  return 0;
}

function deleteNetns(ip: Ip, args: Args): Promise<number> | number {
  if (args.left < 1 && !ip.options.all) return complain(ip, 'No netns name specified');
  return ip.options.all ? forEachNetns(ip, (name) => remove(ip, name)) : remove(ip, args.word);
}

function set(ip: Ip, args: Args): number {
  if (args.left < 1) return complain(ip, 'No netns name specified');
  if (args.left < 2) return complain(ip, 'No nsid specified');
  const name = args.word;
  const word = args.next();
  let nsid = -1;
  if (word !== 'auto') {
    const value = getInteger(word);
    if (value === undefined) return args.invarg('Invalid "netnsid" value', word);
    if (value < 0) args.invarg('"netnsid" value should be >= 0', word);
    nsid = value;
  }
  const ref = ip.process.files.openNetns(`${NETNS_RUN_DIR}/${name}`);
  if (isRefusal(ref)) return complain(ip, `Cannot open network namespace "${name}": ${strerror(ref.errno)}`);
  return talk(ip.process, ip.rtnl.setNsid(ref, nsid));
}

function identify(ip: Ip, args: Args): number {
  const { process } = ip;
  if (args.left > 1) return complain(ip, 'extra arguments specified');
  const pid = args.left < 1 ? 'self' : args.word;
  if (pid !== 'self' && !/^\d*$/.test(pid)) return complain(ip, `Specified string '${pid}' is not a pid`);
  const own = pid === 'self' ? process.task.netns : process.files.openNetns(`/proc/${pid}/ns/net`);
  if (isRefusal(own)) return complain(ip, `Cannot open network namespace: ${strerror(own.errno)}`);
  let found = '';
  for (const name of names(ip)) {
    const ref = process.files.openNetns(`${NETNS_RUN_DIR}/${name}`);
    if (!isRefusal(ref) && ref.inode === own.inode) found = name;
  }
  process.stdout.write(`${found}\n`);
  return 0;
}

function pids(ip: Ip, args: Args): number {
  const { files, stdout } = ip.process;
  if (args.left < 1) return complain(ip, 'No netns name specified');
  if (args.left > 1) return complain(ip, 'extra arguments specified');
  const ref = files.openNetns(`${NETNS_RUN_DIR}/${args.word}`);
  if (isRefusal(ref)) return complain(ip, `Cannot open network namespace: ${strerror(ref.errno)}`);
  const entries = files.list('/proc');
  if (isRefusal(entries)) return complain(ip, `Open of /proc failed: ${strerror(entries.errno)}`);
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    const other = files.openNetns(`/proc/${entry}/ns/net`);
    if (!isRefusal(other) && other.inode === ref.inode) stdout.write(`${entry}\n`);
  }
  return 0;
}

/** cmd_exec(): run the program in the namespace; its status, 255 when the namespace cannot be entered, 1 when there is no program. */
async function execIn(ip: Ip, name: string, argv: readonly string[]): Promise<number> {
  const { process } = ip;
  await process.stdout.flush();
  const netns = findNetns(process, name);
  if (!netns) return EXIT_USAGE;
  const status = await process.exec(argv, { netns });
  if (!isRefusal(status)) return status;
  complain(ip, `exec of "${argv[0]}" failed: ${strerror(status.errno)}`);
  return EXIT_FAILURE;
}

async function exec(ip: Ip, args: Args): Promise<number> {
  const { all } = ip.options;
  if (args.left < 1 && !all) return complain(ip, 'No netns name specified');
  if (args.left < (all ? 1 : 2)) return complain(ip, 'No command specified');
  if (!all) return execIn(ip, args.word, args.rest.slice(1));
  return forEachNetns(ip, async (name) => {
    ip.process.stdout.write(`\nnetns: ${name}\n`);
    await execIn(ip, name, args.rest);
    return 0;
  });
}

function complain(ip: Ip, text: string): number {
  ip.process.stderr.write(`${text}\n`);
  return EXIT_FAILURE;
}

function usage(ip: Ip): never {
  ip.process.stderr.write(USAGE);
  throw new Exit(EXIT_USAGE);
}

function isInvalidName(name: string): boolean {
  return name === '' || name.length > 255 || name.includes('/') || name === '.' || name === '..';
}

/** `ip netns`. */
export const doNetns: IpObject = async (ip, args) => {
  if (args.left < 1) return list(ip);
  if (!ip.options.all && args.following !== undefined && isInvalidName(args.following)) {
    args.fail(`Invalid netns name "${args.following}"`);
  }
  const command = args.word;
  args.shift();
  const is = matching(command);
  if (is('list') || is('show') || is('lst')) return list(ip);
  if (is('list-id')) return listId(ip, args);
  if (is('help')) return usage(ip);
  if (is('add')) return add(ip, args, true);
  if (is('set')) return set(ip, args);
  if (is('delete')) return deleteNetns(ip, args);
  if (is('identify')) return identify(ip, args);
  if (is('pids')) return pids(ip, args);
  if (is('exec')) return exec(ip, args);
  if (is('monitor')) return args.notModelled('netns monitor');
  if (is('attach')) return add(ip, args, false);
  return args.fail(`Command "${command}" is unknown, try "ip netns help".`);
};

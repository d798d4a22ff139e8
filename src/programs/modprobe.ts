/**
 * modprobe, rmmod and lsmod (kmod 30). Everything that the twin's kernel has is built in: loading and
 * removing its modules succeeds and changes nothing; any other module does not exist.
 */
import { complain, type Process } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import { Getopt, type LongOption } from './getopt.ts';

const MODULES: readonly RegExp[] = [
  /^(8021q|macvlan|macvtap|veth|dummy|bridge|br_netfilter|tap|tun|llc|stp|garp|mrp)$/,
  /^(ip_tables|x_tables|iptable_(filter|nat|mangle|raw)|nf_tables|nft_\w+|nf_(conntrack|nat|defrag_ipv4|reject_ipv4)(_\w+)?)$/,
  /^(xt_\w+|ipt_\w+|ebtables?|arp_tables|arptable_filter)$/,
  /^(af_packet|inet_diag|ipv6)$/,
];

function isModule(name: string): boolean {
  const underscored = name.replaceAll('-', '_');
  return MODULES.some((known) => known.test(underscored));
}

const MODPROBE_OPTIONS: readonly LongOption[] = [
  { name: 'all', value: 'a' },
  { name: 'remove', value: 'r' },
  { name: 'first-time', value: 'first-time' },
  { name: 'ignore-install', value: 'i' },
  { name: 'ignore-remove', value: 'i' },
  { name: 'use-blacklist', value: 'b' },
  { name: 'force', value: 'f' },
  { name: 'dry-run', value: 'n' },
  { name: 'show', value: 'n' },
  { name: 'syslog', value: 's' },
  { name: 'quiet', value: 'q' },
  { name: 'verbose', value: 'v' },
  { name: 'version', value: 'V' },
];

export async function modprobe(process: Process): Promise<number> {
  let all = false;
  let remove = false;
  let quiet = false;
  const getopt = new Getopt(process, 'arfibnsqvV', MODPROBE_OPTIONS);
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    if (parsed.option === '?') return 1;
    if (parsed.option === 'a') all = true;
    else if (parsed.option === 'r') remove = true;
    else if (parsed.option === 'q') quiet = true;
    else if (parsed.option === 'V') {
      process.stdout.write('kmod version 30\n+ZSTD +XZ -ZLIB +LIBCRYPTO -EXPERIMENTAL\n');
      return 0;
    }
  }
  const names = getopt.operands;
  if (names.length === 0) {
    complain(process, 'modprobe: ERROR: missing parameters. See -h.\n');
    return 1;
  }
  const osrelease = process.files.readText('/proc/sys/kernel/osrelease');
  const directory = `/lib/modules/${isRefusal(osrelease) ? '' : osrelease.trim()}`;
  let status = 0;
  // Without -a and -r what follows the name are parameters of the module.
  for (const name of all || remove ? names : names.slice(0, 1)) {
    if (isModule(name)) continue;
    status = 1;
    if (quiet) continue;
    if (remove) complain(process, `modprobe: FATAL: Module ${name} not found.\n`);
    else {
      complain(process, `modprobe: ${all ? 'WARNING' : 'FATAL'}: Module ${name} not found in directory ${directory}\n`);
    }
  }
  return status;
}

export async function rmmod(process: Process): Promise<number> {
  const getopt = new Getopt(process, 'fsvV', [
    { name: 'force', value: 'f' },
    { name: 'syslog', value: 's' },
    { name: 'verbose', value: 'v' },
    { name: 'version', value: 'V' },
  ]);
  for (let parsed = getopt.next(); parsed !== undefined; parsed = getopt.next()) {
    if (parsed.option === '?') return 1;
    if (parsed.option === 'V') {
      process.stdout.write('kmod version 30\n+ZSTD +XZ -ZLIB +LIBCRYPTO -EXPERIMENTAL\n');
      return 0;
    }
  }
  const names = getopt.operands;
  if (names.length === 0) {
    complain(process, 'rmmod: ERROR: missing module name.\n');
    return 1;
  }
  let status = 0;
  for (const name of names) {
    if (isModule(name)) continue;
    complain(process, `rmmod: ERROR: Module ${name} is not currently loaded\n`);
    status = 1;
  }
  return status;
}

export async function lsmod(process: Process): Promise<number> {
  if (process.argv.length > 1) {
    complain(process, 'Usage: lsmod\n');
    return 1;
  }
  process.stdout.write('Module                  Size  Used by\n');
  return 0;
}

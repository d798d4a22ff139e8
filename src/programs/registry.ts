/** Every program of user space, by the name it is called by. The lab layer hands them to the shell. */
import type { Program } from '../uapi/process.ts';
import { arp } from './arp.ts';
import { arping } from './arping.ts';
import { brctl } from './brctl.ts';
import { bridge } from './bridge/bridge.ts';
import { conntrack } from './conntrack/conntrack.ts';
import { ifconfig } from './ifconfig/ifconfig.ts';
import { ip } from './ip/ip.ts';
import { iptables, iptablesLegacy } from './iptables/iptables.ts';
import { iptablesLegacyRestore, iptablesRestore } from './iptables/iptables-restore.ts';
import { iptablesLegacySave, iptablesSave } from './iptables/iptables-save.ts';
import { lsmod, modprobe, rmmod } from './modprobe.ts';
import { nc } from './nc.ts';
import { nsenter } from './nsenter.ts';
import { ping } from './ping/ping.ts';
import { route } from './route.ts';
import { sysctl } from './sysctl.ts';
import { tcpdump } from './tcpdump.ts';
import { tcpreplay } from './tcpreplay.ts';
import { traceroute } from './traceroute.ts';

export const PROGRAMS: ReadonlyMap<string, Program> = new Map<string, Program>([
  ['arp', arp],
  ['arping', arping],
  ['brctl', brctl],
  ['bridge', bridge],
  ['conntrack', conntrack],
  ['ifconfig', ifconfig],
  ['ip', ip],
  ['iptables', iptables],
  ['iptables-nft', iptables],
  ['iptables-nft-restore', iptablesRestore],
  ['iptables-nft-save', iptablesSave],
  ['iptables-legacy', iptablesLegacy],
  ['iptables-legacy-restore', iptablesLegacyRestore],
  ['iptables-legacy-save', iptablesLegacySave],
  ['iptables-restore', iptablesRestore],
  ['iptables-save', iptablesSave],
  ['lsmod', lsmod],
  ['modprobe', modprobe],
  ['nc', nc],
  ['nc.openbsd', nc],
  ['netcat', nc],
  ['nsenter', nsenter],
  ['ping', ping],
  ['ping4', ping],
  ['ping6', ping],
  ['rmmod', rmmod],
  ['route', route],
  ['sysctl', sysctl],
  ['tcpdump', tcpdump],
  ['traceroute', traceroute],
  ['tcpreplay', tcpreplay],
]);

/** The same on a machine whose kernel has the tables of iptables only. */
export const LEGACY_PROGRAMS: ReadonlyMap<string, Program> = new Map([
  ...PROGRAMS,
  ['iptables', iptablesLegacy],
  ['iptables-restore', iptablesLegacyRestore],
  ['iptables-save', iptablesLegacySave],
]);

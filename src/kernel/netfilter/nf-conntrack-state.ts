/** What connection tracking keeps per namespace: the table, the timeouts, who asked for it. */
import type { ConntrackEventType, ConntrackStats } from '../../uapi/conntrack.ts';
import { type NetNamespace, PerNet } from '../core/net-namespace.ts';
import type { NfConn } from './nf-conn.ts';
import { ConntrackTable } from './nf-conntrack-table.ts';

/** Seconds, as the sysctls show them. */
export interface ConntrackTimeouts {
  generic: number;
  icmp: number;
  udp: number;
  udpStream: number;
  /** By TCP_CONNTRACK_*. */
  tcp: number[];
  tcpMaxRetrans: number;
  tcpUnacknowledged: number;
}

export const NF_CONNTRACK_MAX = 262_144;

export class ConntrackNet {
  declare readonly net: NetNamespace;
  readonly table = new ConntrackTable();
  readonly timeouts: ConntrackTimeouts = {
    generic: 600,
    icmp: 30,
    udp: 30,
    udpStream: 120,
    tcp: [0, 120, 60, 432_000, 120, 60, 30, 120, 10, 120],
    tcpMaxRetrans: 300,
    tcpUnacknowledged: 300,
  };
  /** nf_conntrack_tcp_{loose,be_liberal,ignore_invalid_rst,max_retrans}. */
  tcpLoose = 1;
  tcpBeLiberal = 0;
  tcpIgnoreInvalidRst = 0;
  tcpMaxRetrans = 3;
  checksum = 1;
  acct = 0;
  events = 2;
  timestamp = 0;
  logInvalid = 0;
  /** Settings of protocols without a tracker, by their names. */
  readonly others = new Map<string, number>();
  /** Those who want to hear of connections: process 0 stands for the kernel itself. */
  readonly listeners = new Set<(ct: NfConn, type: ConntrackEventType, pid: number) => void>();
  readonly stats: ConntrackStats = { invalid: 0, insertFailed: 0, drop: 0 };
  /** Connections made and not yet in the table (or never to be) count too; they are few and short-lived. */
  get count(): number {
    this.table.sweep(this.net.kernel.queue.now);
    return this.table.size;
  }
  /** The hooks are registered: something asked for tracking. */
  active = false;

  constructor(net: NetNamespace) {
    this.net = net;
  }
}

export const conntrackNet: PerNet<ConntrackNet> = new PerNet((net) => new ConntrackNet(net));

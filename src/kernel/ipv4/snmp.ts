/** The counters of /proc/net/snmp and /proc/net/netstat, for one namespace. */

/** Names in the order of /proc/net/snmp and netstat; Forwarding and DefaultTTL are no counters. */
export const SNMP_NAMES = {
  Ip: 'InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits',
  Icmp: 'InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps',
  Tcp: 'ActiveOpens AttemptFails InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors',
  Udp: 'InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors',
  IpExt:
    'InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts OutBcastPkts InOctets OutOctets InMcastOctets OutMcastOctets InBcastOctets OutBcastOctets InCsumErrors InNoECTPkts InECT1Pkts InECT0Pkts InCEPkts ReasmOverlaps',
  TcpExt: 'ArpFilter IPReversePathFilter',
} as const;

type Words<S extends string> = S extends `${infer W} ${infer R}` ? W | Words<R> : S;
export type SnmpGroup = keyof typeof SNMP_NAMES;
type Counters<G extends SnmpGroup> = Record<Words<(typeof SNMP_NAMES)[G]>, number>;

function zeros<G extends SnmpGroup>(group: G): Counters<G> {
  return Object.fromEntries(SNMP_NAMES[group].split(' ').map((name) => [name, 0])) as Counters<G>;
}

/** Made when the first packet comes: an idle namespace has none. */
export class Snmp {
  readonly ip = zeros('Ip');
  readonly ipExt = zeros('IpExt');
  readonly icmp = zeros('Icmp');
  readonly tcp = zeros('Tcp');
  readonly udp = zeros('Udp');
  readonly tcpExt = zeros('TcpExt');
  /** IcmpMsg: messages in and out by type. */
  readonly icmpIn = new Map<number, number>();
  readonly icmpOut = new Map<number, number>();
}

/**
 * Why a frame ended: the kernel's own names (include/net/dropreason-core.h, Linux 6.18), as numbers on
 * the packet path and as text on demand.
 */
const NAMES = [
  'CONSUMED',
  'NOT_SPECIFIED',
  'NO_SOCKET',
  'SOCKET_FILTER',
  'SOCKET_RCVBUFF',
  'PKT_TOO_SMALL',
  'TCP_CSUM',
  'UDP_CSUM',
  'NETFILTER_DROP',
  'OTHERHOST',
  'IP_CSUM',
  'IP_INHDR',
  'IP_RPFILTER',
  'UNICAST_IN_L2_MULTICAST',
  'IP_NOPROTO',
  'PROTO_MEM',
  'IP_OUTNOROUTES',
  'NEIGH_CREATEFAIL',
  'NEIGH_FAILED',
  'NEIGH_QUEUEFULL',
  'NEIGH_DEAD',
  'NEIGH_HH_FILLFAIL',
  'QDISC_DROP',
  'CPU_BACKLOG',
  'XDP',
  'TC_INGRESS',
  'UNHANDLED_PROTO',
  'SKB_CSUM',
  'HDR_TRUNC',
  'NOMEM',
  'DEV_HDR',
  'DEV_READY',
  'FULL_RING',
  'ICMP_CSUM',
  'INVALID_PROTO',
  'IP_INADDRERRORS',
  'IP_INNOROUTES',
  'IP_LOCAL_SOURCE',
  'IP_INVALID_SOURCE',
  'IP_INVALID_DEST',
  'IP_LOCALNET',
  'PKT_TOO_BIG',
  'DUP_FRAG',
  'FRAG_REASM_TIMEOUT',
  'FRAG_TOO_FAR',
  'MAC_INVALID_SOURCE',
  'BRIDGE_INGRESS_STP_STATE',
  'BRIDGE_NON_FORWARDING_STATE',
  'LOCAL_MAC',
  'ARP_PVLAN_DISABLE',
  'VLAN_FILTER',
  'NO_TX_TARGET',
  'RECURSION_LIMIT',
  'IP_MULTICAST_FORWARD_OFF',
  'QUEUE_PURGE',
] as const;

export type DropReasonName = (typeof NAMES)[number];

/** The number of a reason in this build; only ever compared and turned into text. */
export type DropReason = number;

const codes = Object.fromEntries(NAMES.map((name, code) => [name, code])) as Record<DropReasonName, DropReason>;

/** `REASON.NETFILTER_DROP` and so on: the number of each reason. */
export const REASON: Readonly<Record<DropReasonName, DropReason>> = codes;

/** `SKB_DROP_REASON_NETFILTER_DROP` for the number of it. */
export function dropReasonText(reason: DropReason): string {
  return reason === REASON.CONSUMED ? 'SKB_CONSUMED' : `SKB_DROP_REASON_${NAMES[reason] ?? 'NOT_SPECIFIED'}`;
}

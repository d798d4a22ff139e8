/** Tests of the frame as a whole: length, direction, device, VLAN tags, MPLS labels, PPPoE sessions. */
import { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2 } from '../linktype.ts';
import { and, type Block, firstTest, not, or, test } from './block.ts';
import {
  ALU_ADD_K,
  ALU_AND_K,
  ALU_OR_K,
  type Instruction,
  JEQ_K,
  JGE_K,
  JGT_K,
  JSET_K,
  LD_B,
  LD_H,
  LD_LEN,
  LD_MEM,
  LD_W,
  SKF_AD_IFINDEX,
  SKF_AD_OFF,
  SKF_AD_PKTTYPE,
  SKF_AD_VLAN_TAG,
  SKF_AD_VLAN_TAG_PRESENT,
  ST,
} from './bpf.ts';
import { FilterError } from './error.ts';
import type { Generator, Offset } from './generator.ts';
import { describe } from './hosts.ts';
import {
  ETHERTYPE_8021AD,
  ETHERTYPE_8021Q,
  ETHERTYPE_8021QINQ,
  ETHERTYPE_IP,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_PPPOED,
  ETHERTYPE_PPPOES,
  linkProtocol,
} from './linktypes.ts';
import type { Protocol } from './qualifier.ts';

const PACKET_OUTGOING = 4;

/** `greater LENGTH`: at least. */
export function greaterBlock(length: number): Block {
  return test([{ op: LD_LEN, k: 0 }], JGE_K, length);
}

/** `less LENGTH`: at most. */
export function lessBlock(length: number): Block {
  return not(test([{ op: LD_LEN, k: 0 }], JGT_K, length));
}

/** `byte OFFSET OPERATOR VALUE`. `&` and `|` work on what happens to be in the accumulator, as in libpcap. */
export function byteBlock(g: Generator, operator: string, offset: number, value: number): Block {
  switch (operator) {
    case '=':
      return g.equal('linkhdr', offset, 1, value);
    case '<':
      return g.compare('linkhdr', offset, 1, 0xffff_ffff, JGE_K, value, true);
    case '>':
      return g.compare('linkhdr', offset, 1, 0xffff_ffff, JGT_K, value);
    default:
      return not(test([{ op: operator === '|' ? ALU_OR_K : ALU_AND_K, k: value }], JEQ_K, 0));
  }
}

/** `multicast`, `ether multicast`, `ip multicast`, `ip6 multicast`. */
export function multicastBlock(g: Generator, protocol: Protocol): Block {
  if ((protocol === 'default' || protocol === 'link') && g.dlt === DLT_EN10MB) {
    return test(g.load('linkhdr', 0, 1), JSET_K, 1);
  }
  if (protocol === 'ip') {
    return and(linkProtocol(g, ETHERTYPE_IP), g.compare('linkpl', 16, 1, 0xffff_ffff, JGE_K, 224));
  }
  if (protocol === 'ip6') return and(linkProtocol(g, ETHERTYPE_IPV6), g.equal('linkpl', 24, 1, 255));
  throw new FilterError(
    'link-layer multicast filters supported only on ethernet/FDDI/token ring/ARCNET/802.11/ATM LANE/Fibre Channel',
  );
}

/** `inbound` and `outbound`. */
export function directionBlock(g: Generator, outbound: boolean): Block {
  const outgoing = outgoingBlock(g);
  return outbound ? outgoing : not(outgoing);
}

function outgoingBlock(g: Generator): Block {
  if (g.dlt === DLT_LINUX_SLL) return g.equal('linkhdr', 0, 2, PACKET_OUTGOING);
  if (g.dlt === DLT_LINUX_SLL2) return g.equal('linkhdr', 10, 1, PACKET_OUTGOING);
  if (!g.target.live) {
    throw new FilterError(`inbound/outbound not supported on ${describe(g)} when reading savefiles`);
  }
  return test([{ op: LD_H, k: SKF_AD_OFF + SKF_AD_PKTTYPE }], JEQ_K, PACKET_OUTGOING);
}

/** `ifindex NUMBER`. */
export function ifindexBlock(g: Generator, ifindex: number): Block {
  if (g.dlt === DLT_LINUX_SLL2) return g.equal('linkhdr', 4, 4, ifindex);
  if (!g.target.live) throw new FilterError(`ifindex not supported on ${describe(g)} when reading savefiles`);
  return test([{ op: LD_W, k: SKF_AD_OFF + SKF_AD_IFINDEX }], JEQ_K, ifindex);
}

/** `vlan [ID]`: the tag, in the frame or beside it; what follows in the expression is behind the tag. */
export function vlanBlock(g: Generator, id: number | undefined): Block {
  if (g.mplsDepth > 0) throw new FilterError('no VLAN match after MPLS');
  if (g.dlt !== DLT_EN10MB) throw new FilterError(`no VLAN support for ${describe(g)}`);
  const beside = g.vlanDepth === 0 && g.target.live && g.linkhdr.constant === 0;
  const block = beside ? vlanBesideBlock(g, id) : vlanInsideBlock(g, id);
  g.vlanDepth++;
  return block;
}

function tpidBlock(g: Generator): Block {
  const q = linkProtocol(g, ETHERTYPE_8021Q);
  const ad = linkProtocol(g, ETHERTYPE_8021AD);
  return or(or(q, ad), linkProtocol(g, ETHERTYPE_8021QINQ));
}

function vidBlock(g: Generator, id: number): Block {
  if (id > 0x0fff) throw new FilterError(`VLAN tag ${id} greater than maximum 4095`);
  return g.equalMasked('linkpl', 0, 2, id, 0x0fff);
}

function vlanInsideBlock(g: Generator, id: number | undefined): Block {
  const tpid = tpidBlock(g);
  const block = id === undefined ? tpid : and(tpid, vidBlock(g, id));
  g.linkpl = moved(g.linkpl, 4);
  if (g.linktype !== undefined) g.linktype = moved(g.linktype, 4);
  return block;
}

function moved(offset: Offset, by: number): Offset {
  return { constant: offset.constant + by, register: offset.register };
}

/**
 * The kernel takes the outer tag out of the frame and keeps it beside. If there is none beside, the
 * frame itself is looked at and everything behind moves by four octets, at run time.
 */
function vlanBesideBlock(g: Generator, id: number | undefined): Block {
  const present = (): Block => test([{ op: LD_B, k: SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT }], JEQ_K, 1);
  const tpid = tpidBlock(g);
  const inside = id === undefined ? undefined : vidBlock(g, id);
  g.variable = true;
  g.linkpl = { constant: g.linkpl.constant, register: g.linkpl.register ?? g.allocate() };
  g.linktype = { constant: g.linktype!.constant, register: g.linktype!.register ?? g.allocate() };
  const first = firstTest(tpid);
  first.statements.unshift(...movedAtRunTime(g.linkpl.register!), ...movedAtRunTime(g.linktype.register!));
  const tagged = or(present(), tpid);
  if (inside === undefined || id === undefined) return tagged;
  const beside = test(
    [
      { op: LD_B, k: SKF_AD_OFF + SKF_AD_VLAN_TAG },
      { op: ALU_AND_K, k: 0x0fff },
    ],
    JEQ_K,
    id,
  );
  return and(tagged, or(and(present(), beside), and(not(present()), inside)));
}

function movedAtRunTime(register: number): Instruction[] {
  return [
    { op: LD_MEM, k: register },
    { op: ALU_ADD_K, k: 4 },
    { op: ST, k: register },
  ];
}

/** `mpls [LABEL]`. */
export function mplsBlock(g: Generator, label: number | undefined): Block {
  let block: Block;
  if (g.mplsDepth > 0) block = g.equalMasked('prevmpls', 2, 1, 0, 1);
  else if (g.dlt === DLT_EN10MB) block = linkProtocol(g, ETHERTYPE_MPLS);
  else if (g.dlt === 'ppp') block = linkProtocol(g, 0x0281);
  else throw new FilterError(`no MPLS support for ${describe(g)}`);
  if (label !== undefined) {
    if (label > 0xfffff) throw new FilterError(`MPLS label ${label} greater than maximum 1048575`);
    block = and(block, g.equalMasked('linkpl', 0, 4, (label << 12) >>> 0, 0xffff_f000));
  }
  g.nl += 4;
  g.nlNosnap += 4;
  g.mplsDepth++;
  return block;
}

/** `pppoed`. */
export function pppoeDiscoveryBlock(g: Generator): Block {
  return linkProtocol(g, ETHERTYPE_PPPOED);
}

/** `pppoes [SESSION]`. */
export function pppoeSessionBlock(g: Generator, session: number | undefined): Block {
  let block = linkProtocol(g, ETHERTYPE_PPPOES);
  if (session !== undefined) {
    if (session > 0xffff) throw new FilterError(`PPPoE session number ${session} greater than maximum 65535`);
    block = and(block, g.equalMasked('linkpl', 0, 4, session, 0xffff));
  }
  g.dlt = 'ppp';
  const inner = moved(g.linkpl, g.nl + 6);
  g.linkhdr.constant = inner.constant;
  g.linkhdr.register = inner.register;
  g.linktype = inner;
  g.linkpl = moved(inner, 2);
  g.nl = 0;
  g.nlNosnap = 0;
  return block;
}

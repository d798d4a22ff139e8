/** Tests for the protocol in a frame's link-layer header: EtherTypes and LLC service access points. */
import {
  DLT_EN10MB,
  DLT_IPV4,
  DLT_IPV6,
  DLT_LINUX_SLL,
  DLT_LINUX_SLL2,
  DLT_RAW,
  datalinkDescription,
} from '../linktype.ts';
import { and, type Block, not, or, test } from './block.ts';
import { JEQ_K, JGT_K, LD_IMM } from './bpf.ts';
import { FilterError } from './error.ts';
import type { Generator } from './generator.ts';

export const ETHERTYPE_IP = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_REVARP = 0x8035;
export const ETHERTYPE_ATALK = 0x809b;
export const ETHERTYPE_AARP = 0x80f3;
export const ETHERTYPE_8021Q = 0x8100;
export const ETHERTYPE_IPX = 0x8137;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_MPLS = 0x8847;
export const ETHERTYPE_PPPOED = 0x8863;
export const ETHERTYPE_PPPOES = 0x8864;
export const ETHERTYPE_8021AD = 0x88a8;
export const ETHERTYPE_8021QINQ = 0x9100;
const ETHERMTU = 1500;

export const LLCSAP_8021D = 0x42;
const LLCSAP_IP = 0x06;
export const LLCSAP_IPX = 0xe0;
export const LLCSAP_NETBEUI = 0xf0;
export const LLCSAP_ISONS = 0xfe;
const LINUX_SLL_P_802_3 = 1;
const LINUX_SLL_P_802_2 = 4;

const PPP_TYPES: ReadonlyMap<number, number> = new Map([
  [ETHERTYPE_IP, 0x0021],
  [ETHERTYPE_IPV6, 0x0057],
  [0x6003, 0x0027],
  [ETHERTYPE_ATALK, 0x0029],
  [0x0600, 0x0025],
  [LLCSAP_ISONS, 0x0023],
  [LLCSAP_8021D, 0x0031],
  [LLCSAP_IPX, 0x002b],
]);

export function never(): Block {
  return test([{ op: LD_IMM, k: 1 }], JEQ_K, 0);
}

export function always(): Block {
  return test([{ op: LD_IMM, k: 0 }], JEQ_K, 0);
}

/** The frame carries `protocol`: an EtherType, or a service access point when it is at most 1500. */
export function linkProtocol(g: Generator, protocol: number): Block {
  if (g.mplsDepth > 0) return mplsProtocol(g, protocol);
  switch (g.dlt) {
    case DLT_EN10MB:
      return etherProtocol(g, protocol);
    case DLT_LINUX_SLL:
      return sllProtocol(g, protocol);
    case DLT_LINUX_SLL2:
      return g.equal('linktype', 0, 2, protocol);
    case DLT_RAW:
      if (protocol === ETHERTYPE_IP) return g.equalMasked('linkhdr', 0, 1, 0x40, 0xf0);
      if (protocol === ETHERTYPE_IPV6) return g.equalMasked('linkhdr', 0, 1, 0x60, 0xf0);
      return never();
    case DLT_IPV4:
      return protocol === ETHERTYPE_IP ? always() : never();
    case DLT_IPV6:
      return protocol === ETHERTYPE_IPV6 ? always() : never();
    case 'ppp':
      return g.equal('linktype', 0, 2, PPP_TYPES.get(protocol) ?? protocol);
    default:
      throw new FilterError(`${datalinkDescription(g.dlt)} link-layer type filtering not implemented`);
  }
}

/** The type field is a length: an IEEE 802.3 frame. */
function isLength(g: Generator): Block {
  return not(g.compare('linktype', 0, 2, 0xffff_ffff, JGT_K, ETHERMTU));
}

function etherProtocol(g: Generator, protocol: number): Block {
  switch (protocol) {
    case LLCSAP_ISONS:
    case LLCSAP_IP:
    case LLCSAP_NETBEUI:
      return and(isLength(g), g.equal('llc', 0, 2, (protocol << 8) | protocol));
    case LLCSAP_IPX: {
      const llc = or(g.equal('llc', 0, 1, LLCSAP_IPX), g.equal('llc', 0, 2, 0xffff));
      const any = and(isLength(g), or(snap(g, 0, ETHERTYPE_IPX), llc));
      return or(g.equal('linktype', 0, 2, ETHERTYPE_IPX), any);
    }
    case ETHERTYPE_ATALK:
    case ETHERTYPE_AARP: {
      const inSnap = snap(g, protocol === ETHERTYPE_ATALK ? 0x080007 : 0, protocol);
      return or(g.equal('linktype', 0, 2, protocol), and(isLength(g), inSnap));
    }
    default:
      if (protocol > ETHERMTU) return g.equal('linktype', 0, 2, protocol);
      return and(isLength(g), g.equal('linktype', 2, 1, protocol));
  }
}

function sllProtocol(g: Generator, protocol: number): Block {
  const is8022 = () => g.equal('linktype', 0, 2, LINUX_SLL_P_802_2);
  switch (protocol) {
    case LLCSAP_ISONS:
    case LLCSAP_IP:
    case LLCSAP_NETBEUI:
      return and(is8022(), g.equal('llc', 0, 2, (protocol << 8) | protocol));
    case LLCSAP_IPX: {
      const llc = and(is8022(), or(g.equal('llc', 0, 1, LLCSAP_IPX), snap(g, 0, ETHERTYPE_IPX)));
      const is8023 = g.equal('linktype', 0, 2, LINUX_SLL_P_802_3);
      return or(g.equal('linktype', 0, 2, ETHERTYPE_IPX), or(is8023, llc));
    }
    case ETHERTYPE_ATALK:
    case ETHERTYPE_AARP: {
      const inSnap = snap(g, protocol === ETHERTYPE_ATALK ? 0x080007 : 0, protocol);
      return or(g.equal('linktype', 0, 2, protocol), and(is8022(), inSnap));
    }
    default:
      if (protocol > ETHERMTU) return g.equal('linktype', 0, 2, protocol);
      return and(is8022(), g.equal('linkhdr', g.linkpl.constant, 1, protocol));
  }
}

/** A SNAP header with this organization code and protocol. */
function snap(g: Generator, organization: number, protocol: number): Block {
  const high = 0xaaaa_0300 + (organization >>> 16);
  const low = (((organization & 0xffff) << 16) | protocol) >>> 0;
  return and(g.equal('llc', 4, 4, low), g.equal('llc', 0, 4, high >>> 0));
}

/** Inside MPLS there is no type field: the bottom-of-stack bit and the version of what follows decide. */
function mplsProtocol(g: Generator, protocol: number): Block {
  const bottom = () => g.equalMasked('linkpl', -2, 1, 1, 1);
  switch (protocol) {
    case ETHERTYPE_IP:
      return and(bottom(), g.equalMasked('linkpl', 0, 1, 0x40, 0xf0));
    case ETHERTYPE_IPV6:
      return and(bottom(), g.equalMasked('linkpl', 0, 1, 0x60, 0xf0));
    default:
      throw new FilterError('unsupported protocol over mpls');
  }
}

/** The frame has an LLC header. */
export function isLlc(g: Generator): Block {
  if (g.dlt !== DLT_EN10MB) {
    const name = g.dlt === 'ppp' ? 'PPP' : datalinkDescription(g.dlt);
    throw new FilterError(`'llc' not supported for ${name}`);
  }
  return and(isLength(g), not(g.equal('llc', 0, 2, 0xffff)));
}

/**
 * The state of a compilation: where the headers of a frame are, and which memory words are in use.
 * `vlan`, `mpls` and `pppoes` move the offsets for everything that is written after them, as
 * libpcap documents it.
 */
import { DLT_EN10MB, DLT_IPV4, DLT_IPV6, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW } from '../linktype.ts';
import { type Block, not, test } from './block.ts';
import {
  ALU_ADD_X,
  ALU_AND_K,
  ALU_LSH_K,
  type Instruction,
  JEQ_K,
  LD_B,
  LD_B_IND,
  LD_H,
  LD_H_IND,
  LD_IMM,
  LD_W,
  LD_W_IND,
  LDX_MEM,
  LDX_MSH,
  TAX,
} from './bpf.ts';
import { FilterError } from './error.ts';

/** An offset from the start of the frame: a constant and, behind a VLAN tag that may be beside the frame, a memory word. */
export interface Offset {
  constant: number;
  register: number | undefined;
}

/** The header that a load is relative to. */
export type Base =
  | 'linkhdr'
  | 'linktype'
  | 'llc'
  | 'linkpl'
  | 'linkpl-nosnap'
  | 'prevmpls'
  | 'transport4'
  | 'transport6';

export type Size = 1 | 2 | 4;

/** For what a filter is compiled. */
export interface FilterTarget {
  /** DLT_*. */
  dlt: number;
  snaplen: number;
  /** A live capture knows the frame's device and direction and keeps a VLAN tag beside it; a file does not. */
  live: boolean;
}

const MEMWORDS = 16;

/** Link-layer types that pcap_compile() knows without a number of the range in which names are shared. */
const KNOWN_BELOW: readonly number[] = [0, 6, 7, 8, 9, 10, 11, 14, 15, 16, 19, 50, 51, 99];
const DLT_MATCHING_MIN = 104;
const DLT_MATCHING_MAX = 289;

export class Generator {
  readonly target: FilterTarget;
  /** The link type in force; PPP behind `pppoes`. */
  dlt: number | 'ppp';
  readonly linkhdr: Offset = { constant: 0, register: undefined };
  linkpl: Offset;
  linktype: Offset | undefined;
  /** The network header in the link-layer payload. */
  nl = 0;
  nlNosnap = 0;
  mplsDepth = 0;
  vlanDepth = 0;
  /** The offsets behind the link-layer header depend on where the VLAN tag is. */
  variable = false;
  private readonly used: boolean[] = new Array(MEMWORDS).fill(false);
  private current = 0;

  constructor(target: FilterTarget) {
    this.target = target;
    this.dlt = target.dlt;
    const fixed = (constant: number): Offset => ({ constant, register: undefined });
    switch (target.dlt) {
      case DLT_EN10MB:
        this.linktype = fixed(12);
        this.linkpl = fixed(14);
        this.nlNosnap = 3;
        break;
      case DLT_LINUX_SLL:
        this.linktype = fixed(14);
        this.linkpl = fixed(16);
        break;
      case DLT_LINUX_SLL2:
        this.linktype = fixed(0);
        this.linkpl = fixed(20);
        break;
      case DLT_RAW:
      case DLT_IPV4:
      case DLT_IPV6:
        this.linktype = undefined;
        this.linkpl = fixed(0);
        break;
      default:
        if (!KNOWN_BELOW.includes(target.dlt) && (target.dlt < DLT_MATCHING_MIN || target.dlt > DLT_MATCHING_MAX)) {
          throw new FilterError(
            `unknown data link type ${target.dlt} (min ${DLT_MATCHING_MIN}, max ${DLT_MATCHING_MAX})`,
          );
        }
        this.linktype = undefined;
        this.linkpl = fixed(0);
    }
  }

  allocate(): number {
    for (let left = MEMWORDS; left > 0; left--) {
      if (!this.used[this.current]) {
        this.used[this.current] = true;
        return this.current;
      }
      this.current = (this.current + 1) % MEMWORDS;
    }
    throw new FilterError('too many registers needed to evaluate expression');
  }

  release(register: number): void {
    this.used[register] = false;
  }

  /** Load what stands `offset` octets behind the header. */
  load(base: Base, offset: number, size: Size): Instruction[] {
    switch (base) {
      case 'linkhdr':
        return this.loadFrom(this.linkhdr, offset, size);
      case 'linktype':
        return this.loadFrom(this.linktype!, offset, size);
      case 'llc':
        return this.loadFrom(this.linkpl, offset, size);
      case 'linkpl':
        return this.loadFrom(this.linkpl, this.nl + offset, size);
      case 'linkpl-nosnap':
        return this.loadFrom(this.linkpl, this.nlNosnap + offset, size);
      case 'prevmpls':
        return this.loadFrom(this.linkpl, this.nl - 4 + offset, size);
      case 'transport6':
        return this.loadFrom(this.linkpl, this.nl + 40 + offset, size);
      case 'transport4':
        return [...this.loadIpHeaderLength(), { op: indirect(size), k: this.linkpl.constant + this.nl + offset }];
    }
  }

  private loadFrom(from: Offset, offset: number, size: Size): Instruction[] {
    const k = (from.constant + offset) >>> 0;
    if (from.register === undefined) return [{ op: absolute(size), k }];
    return [
      { op: LDX_MEM, k: from.register },
      { op: indirect(size), k },
    ];
  }

  /** X becomes the length of the IPv4 header plus what is variable in the offset of the payload. */
  loadIpHeaderLength(): Instruction[] {
    const k = this.linkpl.constant + this.nl;
    if (this.linkpl.register === undefined) return [{ op: LDX_MSH, k }];
    return [
      { op: LDX_MEM, k: this.linkpl.register },
      { op: LD_B_IND, k },
      { op: ALU_AND_K, k: 15 },
      { op: ALU_LSH_K, k: 2 },
      { op: ALU_ADD_X, k: 0 },
      { op: TAX, k: 0 },
    ];
  }

  /** The field has the value. */
  equal(base: Base, offset: number, size: Size, value: number): Block {
    return this.compare(base, offset, size, 0xffff_ffff, JEQ_K, value);
  }

  /** The field has the value under the mask. */
  equalMasked(base: Base, offset: number, size: Size, value: number, mask: number): Block {
    return this.compare(base, offset, size, mask, JEQ_K, value);
  }

  compare(base: Base, offset: number, size: Size, mask: number, op: number, value: number, reverse = false): Block {
    const statements = mask === 0 ? [{ op: LD_IMM, k: 0 }] : this.load(base, offset, size);
    if (mask !== 0xffff_ffff && mask !== 0) statements.push({ op: ALU_AND_K, k: mask });
    const block = test(statements, op, value);
    return reverse ? not(block) : block;
  }
}

export function absolute(size: Size): number {
  return size === 1 ? LD_B : size === 2 ? LD_H : LD_W;
}

export function indirect(size: Size): number {
  return size === 1 ? LD_B_IND : size === 2 ? LD_H_IND : LD_W_IND;
}

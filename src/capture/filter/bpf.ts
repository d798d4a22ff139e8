/**
 * Classic BPF: the instructions that a filter expression becomes and the machine that runs them.
 * A load outside the frame ends the program with 0, as in the kernel and in libpcap.
 */
import type { FrameView } from '../frame.ts';

/** Operations. The names are those of bpf(4). */
export const LD_W = 0;
export const LD_H = 1;
export const LD_B = 2;
export const LD_W_IND = 3;
export const LD_H_IND = 4;
export const LD_B_IND = 5;
export const LD_LEN = 6;
export const LD_IMM = 7;
export const LD_MEM = 8;
export const LDX_MEM = 9;
export const LDX_MSH = 10;
export const ST = 11;
export const ALU_ADD_X = 12;
export const ALU_SUB_X = 13;
export const ALU_MUL_X = 14;
export const ALU_DIV_X = 15;
export const ALU_MOD_X = 16;
export const ALU_AND_X = 17;
export const ALU_OR_X = 18;
export const ALU_XOR_X = 19;
export const ALU_LSH_X = 20;
export const ALU_RSH_X = 21;
export const ALU_ADD_K = 22;
export const ALU_AND_K = 23;
export const ALU_OR_K = 24;
export const ALU_LSH_K = 25;
export const ALU_NEG = 26;
export const TAX = 27;
export const JEQ_K = 28;
export const JGT_K = 29;
export const JGE_K = 30;
export const JSET_K = 31;
export const JEQ_X = 32;
export const JGT_X = 33;
export const JGE_X = 34;
export const RET = 35;

/** Loads from here on ask for what the kernel knows of the frame (SKF_AD_OFF). */
export const SKF_AD_OFF = 0xffff_f000;
export const SKF_AD_PROTOCOL = 0;
export const SKF_AD_PKTTYPE = 4;
export const SKF_AD_IFINDEX = 8;
export const SKF_AD_VLAN_TAG = 44;
export const SKF_AD_VLAN_TAG_PRESENT = 48;

export interface Instruction {
  readonly op: number;
  readonly k: number;
}

/** Instructions with the targets of their jumps, as indices. */
export interface BpfProgram {
  readonly op: Uint8Array;
  readonly k: Uint32Array;
  readonly jt: Uint32Array;
  readonly jf: Uint32Array;
  /** The sum of X and an offset wraps at 32 bits, as in the kernel; elsewhere it is outside the frame. */
  readonly wraps: boolean;
}

const MEMWORDS = 16;
const memory = new Uint32Array(MEMWORDS);

/**
 * Run a program over a frame: the number of bytes to keep, 0 to pass it over. `length` is what `len`
 * means: the frame's length on the wire.
 */
export function runProgram(program: BpfProgram, frame: FrameView, length: number): number {
  const { op, k: ks, jt, jf } = program;
  const { bytes, start, end } = frame;
  const size = end - start;
  memory.fill(0);
  let a = 0;
  let x = 0;
  let pc = 0;
  for (;;) {
    const k = ks[pc]!;
    switch (op[pc]!) {
      case LD_W:
      case LD_W_IND: {
        const offset = op[pc] === LD_W ? k : indirect(x, k, program.wraps);
        if (offset + 4 > size) {
          a = offset < SKF_AD_OFF ? -1 : ancillary(frame, offset);
          if (a < 0) return 0;
          break;
        }
        const at = start + offset;
        a = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
        break;
      }
      case LD_H:
      case LD_H_IND: {
        const offset = op[pc] === LD_H ? k : indirect(x, k, program.wraps);
        if (offset + 2 > size) {
          a = offset < SKF_AD_OFF ? -1 : ancillary(frame, offset);
          if (a < 0) return 0;
          break;
        }
        a = (bytes[start + offset]! << 8) | bytes[start + offset + 1]!;
        break;
      }
      case LD_B:
      case LD_B_IND: {
        const offset = op[pc] === LD_B ? k : indirect(x, k, program.wraps);
        if (offset >= size) {
          a = offset < SKF_AD_OFF ? -1 : ancillary(frame, offset);
          if (a < 0) return 0;
          break;
        }
        a = bytes[start + offset]!;
        break;
      }
      case LD_LEN:
        a = length;
        break;
      case LD_IMM:
        a = k;
        break;
      case LD_MEM:
        a = memory[k]!;
        break;
      case LDX_MEM:
        x = memory[k]!;
        break;
      case LDX_MSH:
        if (k >= size) return 0;
        x = (bytes[start + k]! & 15) << 2;
        break;
      case ST:
        memory[k] = a;
        break;
      case ALU_DIV_X:
      case ALU_MOD_X:
        if (x === 0) return 0;
        a = arithmetic(op[pc]!, a, x);
        break;
      case ALU_ADD_X:
      case ALU_SUB_X:
      case ALU_MUL_X:
      case ALU_AND_X:
      case ALU_OR_X:
      case ALU_XOR_X:
      case ALU_LSH_X:
      case ALU_RSH_X:
        a = arithmetic(op[pc]!, a, x);
        break;
      case ALU_ADD_K:
        a = (a + k) >>> 0;
        break;
      case ALU_AND_K:
        a = (a & k) >>> 0;
        break;
      case ALU_OR_K:
        a = (a | k) >>> 0;
        break;
      case ALU_LSH_K:
        a = (a << k) >>> 0;
        break;
      case ALU_NEG:
        a = -a >>> 0;
        break;
      case TAX:
        x = a;
        break;
      case RET:
        return k;
      default:
        pc = compare(op[pc]!, a, k, x) ? jt[pc]! : jf[pc]!;
        continue;
    }
    pc++;
  }
}

/** An operation of two unsigned 32-bit numbers. A divisor of zero is the caller's to refuse. */
export function arithmetic(op: number, a: number, x: number): number {
  switch (op) {
    case ALU_ADD_X:
      return (a + x) >>> 0;
    case ALU_SUB_X:
      return (a - x) >>> 0;
    case ALU_MUL_X:
      return Math.imul(a, x) >>> 0;
    case ALU_DIV_X:
      return Math.floor(a / x);
    case ALU_MOD_X:
      return a % x;
    case ALU_AND_X:
      return (a & x) >>> 0;
    case ALU_OR_X:
      return (a | x) >>> 0;
    case ALU_XOR_X:
      return (a ^ x) >>> 0;
    case ALU_LSH_X:
      return x < 32 ? (a << x) >>> 0 : 0;
    default:
      return x < 32 ? a >>> x : 0;
  }
}

/** The condition of a jump. */
export function compare(op: number, a: number, k: number, x: number): boolean {
  switch (op) {
    case JEQ_K:
      return a === k;
    case JGT_K:
      return a > k;
    case JGE_K:
      return a >= k;
    case JSET_K:
      return (a & k) !== 0;
    case JEQ_X:
      return a === x;
    case JGT_X:
      return a > x;
    default:
      return a >= x;
  }
}

function indirect(x: number, k: number, wraps: boolean): number {
  const offset = x + k;
  if (offset <= 0xffff_ffff) return offset;
  return wraps ? offset - 0x1_0000_0000 : SKF_AD_OFF - 1;
}

/** What the kernel knows of the frame; negative when that is not told here. */
function ancillary(frame: FrameView, offset: number): number {
  switch (offset - SKF_AD_OFF) {
    case SKF_AD_PROTOCOL:
      return frame.protocol;
    case SKF_AD_PKTTYPE:
      return frame.pktType;
    case SKF_AD_IFINDEX:
      return frame.ifindex;
    case SKF_AD_VLAN_TAG:
      return Math.max(0, frame.vlanTci);
    case SKF_AD_VLAN_TAG_PRESENT:
      return frame.vlanTci < 0 ? 0 : 1;
    default:
      return 0;
  }
}

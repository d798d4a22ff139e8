/**
 * Filters of cooked captures in the kernel: there the frame begins behind the link-layer header, and
 * the fields of the cooked header are asked for as what the kernel knows of the frame.
 */
import { DLT_LINUX_SLL2 } from '../linktype.ts';
import {
  type BpfProgram,
  JEQ_K,
  LD_B,
  LD_B_IND,
  LD_W,
  LD_W_IND,
  LDX_MSH,
  SKF_AD_IFINDEX,
  SKF_AD_OFF,
  SKF_AD_PKTTYPE,
  SKF_AD_PROTOCOL,
} from './bpf.ts';

const SLL_HEADER = 16;
const SLL2_HEADER = 20;

/** Fields of the cooked headers that the kernel can tell, by offset. */
const SLL_FIELDS: ReadonlyMap<number, number> = new Map([
  [0, SKF_AD_PKTTYPE],
  [14, SKF_AD_PROTOCOL],
]);
const SLL2_FIELDS: ReadonlyMap<number, number> = new Map([
  [0, SKF_AD_PROTOCOL],
  [4, SKF_AD_IFINDEX],
  [10, SKF_AD_PKTTYPE],
]);

function isLoad(op: number): boolean {
  return (op >= LD_W && op <= LD_B) || (op >= LD_W_IND && op <= LD_B_IND) || op === LDX_MSH;
}

/** The program for a socket without link-layer headers; undefined if it looks at other fields of them. */
export function mapToSocket(program: BpfProgram, dlt: number): BpfProgram | undefined {
  const header = dlt === DLT_LINUX_SLL2 ? SLL2_HEADER : SLL_HEADER;
  const fields = dlt === DLT_LINUX_SLL2 ? SLL2_FIELDS : SLL_FIELDS;
  const k = program.k.slice();
  for (let index = 0; index < k.length; index++) {
    const op = program.op[index]!;
    if (op >= JEQ_K || !isLoad(op) || k[index]! >= SKF_AD_OFF) continue;
    const field = fields.get(k[index]!);
    if (k[index]! >= header) k[index] = k[index]! - header;
    else if (field === undefined) return undefined;
    else k[index] = SKF_AD_OFF + field;
  }
  return { ...program, k };
}

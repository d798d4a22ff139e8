/**
 * A filter expression as a tree of tests, and its way into a program. A test is a few instructions
 * that bring something into the accumulator, and a comparison. Tests run from left to right and stop
 * as soon as the answer is known, so statements put before the first test of a tree always run.
 */
import { type BpfProgram, type Instruction, RET } from './bpf.ts';

export interface Test {
  kind: 'test';
  statements: Instruction[];
  jump: Instruction;
}

export type Block = Test | { kind: 'and' | 'or'; left: Block; right: Block } | { kind: 'not'; of: Block };

export function test(statements: Instruction[], op: number, k: number): Test {
  return { kind: 'test', statements, jump: { op, k } };
}

export function and(left: Block, right: Block): Block {
  return { kind: 'and', left, right };
}

export function or(left: Block, right: Block): Block {
  return { kind: 'or', left, right };
}

export function not(of: Block): Block {
  return { kind: 'not', of };
}

/** The test that runs first. */
export function firstTest(block: Block): Test {
  let at = block;
  while (at.kind !== 'test') at = at.kind === 'not' ? at.of : at.left;
  return at;
}

interface Pending {
  block: Block;
  /** Labels to go to when it is true and when it is false. */
  yes: number;
  no: number;
  /** Bound to the place where the block begins. */
  label: number;
}

/**
 * Lay a tree out as a program that returns `snaplen` or 0; without a tree it returns `snaplen` for
 * every frame. Labels stand for places that are not known yet.
 */
export function assemble(root: Block | undefined, snaplen: number, wraps: boolean): BpfProgram {
  const code: { op: number; k: number; yes: number; no: number }[] = [];
  const places: number[] = [0, 0];
  const stack: Pending[] = [];
  if (root !== undefined) stack.push({ block: root, yes: 0, no: 1, label: places.push(0) - 1 });
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    const { block, yes, no, label } = item;
    if (block.kind === 'not') {
      stack.push({ block: block.of, yes: no, no: yes, label });
    } else if (block.kind === 'test') {
      places[label] = code.length;
      for (const { op, k } of block.statements) code.push({ op, k, yes: 0, no: 0 });
      code.push({ op: block.jump.op, k: block.jump.k, yes, no });
    } else {
      const right = places.push(0) - 1;
      stack.push({ block: block.right, yes, no, label: right });
      stack.push({
        block: block.left,
        yes: block.kind === 'and' ? right : yes,
        no: block.kind === 'and' ? no : right,
        label,
      });
    }
  }
  places[0] = code.length;
  code.push({ op: RET, k: snaplen, yes: 0, no: 0 });
  places[1] = code.length;
  code.push({ op: RET, k: 0, yes: 0, no: 0 });
  const program = {
    op: new Uint8Array(code.length),
    k: new Uint32Array(code.length),
    jt: new Uint32Array(code.length),
    jf: new Uint32Array(code.length),
    wraps,
  };
  code.forEach((instruction, index) => {
    program.op[index] = instruction.op;
    program.k[index] = instruction.k;
    program.jt[index] = places[instruction.yes]!;
    program.jf[index] = places[instruction.no]!;
  });
  return program;
}

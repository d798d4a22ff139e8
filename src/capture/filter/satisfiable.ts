/**
 * Whether a filter program can let any frame pass. libpcap's optimizer refuses an expression when it
 * finds that every way through the program asks for one value to be two things at once; this finds
 * the same by walking the ways, with values as names of what they were computed from.
 */
import {
  ALU_ADD_K,
  ALU_ADD_X,
  ALU_AND_K,
  ALU_AND_X,
  ALU_DIV_X,
  ALU_LSH_K,
  ALU_LSH_X,
  ALU_MOD_X,
  ALU_NEG,
  ALU_OR_K,
  ALU_OR_X,
  ALU_SUB_X,
  arithmetic,
  type BpfProgram,
  compare,
  JEQ_K,
  JEQ_X,
  LD_B,
  LD_B_IND,
  LD_H,
  LD_H_IND,
  LD_IMM,
  LD_LEN,
  LD_MEM,
  LD_W,
  LD_W_IND,
  LDX_MEM,
  LDX_MSH,
  RET,
  ST,
  TAX,
} from './bpf.ts';

/** How many instructions are looked at before the expression counts as satisfiable. */
const EFFORT = 200_000;

/** The operation on X that an operation on a constant is like. */
const LIKE_X: ReadonlyMap<number, number> = new Map([
  [ALU_ADD_K, ALU_ADD_X],
  [ALU_AND_K, ALU_AND_X],
  [ALU_OR_K, ALU_OR_X],
  [ALU_LSH_K, ALU_LSH_X],
]);

/** Values by number: equal numbers are equal values. */
class Values {
  private readonly numbers = new Map<string, number>();
  private readonly constants: (number | undefined)[] = [];
  private readonly differences: ({ of: number; less: number } | undefined)[] = [];

  private number(key: string, constant?: number): number {
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    this.numbers.set(key, this.constants.length);
    this.differences.push(undefined);
    return this.constants.push(constant) - 1;
  }

  constant(value: number): number {
    return this.number(`#${value}`, value);
  }

  constantOf(value: number): number | undefined {
    return this.constants[value];
  }

  /** `value` as another value less a constant. */
  differenceOf(value: number): { of: number; less: number } | undefined {
    return this.differences[value];
  }

  load(size: number, base: number, k: number): number {
    const offset = this.constants[base];
    return offset === undefined ? this.number(`${size}[${base}+${k}]`) : this.number(`${size}[${(offset + k) >>> 0}]`);
  }

  named(name: string): number {
    return this.number(name);
  }

  operation(op: number, a: number, x: number): number {
    const left = this.constants[a];
    const right = this.constants[x];
    if (left !== undefined && right !== undefined && !(right === 0 && (op === ALU_DIV_X || op === ALU_MOD_X))) {
      return this.constant(arithmetic(op, left, right));
    }
    const result = this.number(`${op}(${a},${x})`);
    if (op === ALU_SUB_X && right !== undefined) this.differences[result] = { of: a, less: right };
    return result;
  }
}

interface Path {
  pc: number;
  a: number;
  x: number;
  memory: readonly number[];
  facts: Fact | undefined;
}

/** What a jump on the way told; the newest is first. */
interface Fact {
  op: number;
  value: number;
  operand: number;
  holds: boolean;
  before: Fact | undefined;
}

/** Whether the program returns 0 for every frame. */
export function rejectsAll(program: BpfProgram): boolean {
  const values = new Values();
  const zero = values.constant(0);
  const stack: Path[] = [
    {
      pc: 0,
      a: values.named('initial A'),
      x: values.named('initial X'),
      memory: new Array(16).fill(zero),
      facts: undefined,
    },
  ];
  let effort = 0;
  for (let path = stack.pop(); path !== undefined; path = stack.pop()) {
    let { pc, a, x, memory } = path;
    for (;;) {
      if (++effort > EFFORT) return false;
      const op = program.op[pc]!;
      const k = program.k[pc]!;
      if (op === RET) {
        if (k !== 0) return false;
        break;
      }
      if (op >= JEQ_K) {
        const fact = question(values, op, a, op >= JEQ_X ? x : values.constant(k));
        const known = answer(values, path.facts, fact);
        if (known !== undefined) {
          pc = known ? program.jt[pc]! : program.jf[pc]!;
          continue;
        }
        const before = path.facts;
        stack.push({ pc: program.jf[pc]!, a, x, memory, facts: { ...fact, holds: false, before } });
        stack.push({ pc: program.jt[pc]!, a, x, memory, facts: { ...fact, holds: true, before } });
        break;
      }
      if (op === ST) memory = memory.with(k, a);
      else if (op === TAX) x = a;
      else if (op === LDX_MEM) x = memory[k]!;
      else if (op === LDX_MSH) x = values.named(`msh${k}`);
      else a = computed(values, op, k, a, x, memory, zero);
      pc++;
    }
  }
  return true;
}

function computed(
  values: Values,
  op: number,
  k: number,
  a: number,
  x: number,
  memory: readonly number[],
  zero: number,
): number {
  switch (op) {
    case LD_W:
    case LD_H:
    case LD_B:
      return values.load(op, zero, k);
    case LD_W_IND:
      return values.load(LD_W, x, k);
    case LD_H_IND:
      return values.load(LD_H, x, k);
    case LD_B_IND:
      return values.load(LD_B, x, k);
    case LD_LEN:
      return values.named('len');
    case LD_IMM:
      return values.constant(k);
    case LD_MEM:
      return memory[k]!;
    case ALU_NEG:
      return values.operation(ALU_SUB_X, zero, a);
    default: {
      const like = LIKE_X.get(op);
      return like === undefined ? values.operation(op, a, x) : values.operation(like, a, values.constant(k));
    }
  }
}

/** What a jump asks, with `a - c = d` as `a = c + d`. */
function question(values: Values, op: number, value: number, operand: number): Omit<Fact, 'before' | 'holds'> {
  const difference = op === JEQ_K ? values.differenceOf(value) : undefined;
  if (difference === undefined) return { op, value, operand };
  return { op, value: difference.of, operand: values.constant((difference.less + values.constantOf(operand)!) >>> 0) };
}

function answer(values: Values, facts: Fact | undefined, asked: Omit<Fact, 'before' | 'holds'>): boolean | undefined {
  const left = values.constantOf(asked.value);
  const right = values.constantOf(asked.operand);
  if (left !== undefined && right !== undefined) return compare(asked.op, left, right, right);
  for (let fact = facts; fact !== undefined; fact = fact.before) {
    if (fact.op !== asked.op || fact.value !== asked.value) continue;
    if (fact.operand === asked.operand) return fact.holds;
    if (fact.holds && asked.op === JEQ_K) return false;
  }
  return undefined;
}

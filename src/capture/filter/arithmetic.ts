/** `ip[6:2] & 0x1fff`, `len - 14`: values made of numbers and of the frame's bytes, and their comparison. */
import { and, type Block, not, test } from './block.ts';
import {
  ALU_ADD_X,
  ALU_DIV_X,
  ALU_LSH_X,
  ALU_MOD_X,
  ALU_NEG,
  ALU_RSH_X,
  ALU_SUB_X,
  type Instruction,
  JEQ_K,
  LD_IMM,
  LD_LEN,
  LD_MEM,
  LDX_MEM,
  ST,
  TAX,
} from './bpf.ts';
import { FilterError } from './error.ts';
import { type Generator, indirect, type Size } from './generator.ts';
import { ETHERTYPE_IP, ETHERTYPE_IPV6, linkProtocol } from './linktypes.ts';
import { notLaterFragment } from './ports.ts';
import { protocolBlock } from './protocols.ts';
import type { Protocol } from './qualifier.ts';

/** A value on its way into a memory word. `guard`: without it the frame has no such bytes. */
export interface Arithmetic {
  statements: Instruction[];
  register: number;
  guard: Block | undefined;
}

function guarded(left: Block | undefined, right: Block | undefined): Block | undefined {
  if (left === undefined) return right;
  return right === undefined ? left : and(left, right);
}

export function numberValue(g: Generator, value: number): Arithmetic {
  const register = g.allocate();
  return {
    statements: [
      { op: LD_IMM, k: value },
      { op: ST, k: register },
    ],
    register,
    guard: undefined,
  };
}

/** `len`. */
export function lengthValue(g: Generator): Arithmetic {
  const register = g.allocate();
  return {
    statements: [
      { op: LD_LEN, k: 0 },
      { op: ST, k: register },
    ],
    register,
    guard: undefined,
  };
}

export function negated(of: Arithmetic): Arithmetic {
  const statements = [
    ...of.statements,
    { op: LD_MEM, k: of.register },
    { op: ALU_NEG, k: 0 },
    { op: ST, k: of.register },
  ];
  return { ...of, statements };
}

export function combined(g: Generator, op: number, left: Arithmetic, right: Arithmetic): Arithmetic {
  const first = right.statements[0]!;
  if (first.op === LD_IMM) {
    if (op === ALU_DIV_X && first.k === 0) throw new FilterError('division by zero');
    if (op === ALU_MOD_X && first.k === 0) throw new FilterError('modulus by zero');
    if ((op === ALU_LSH_X || op === ALU_RSH_X) && first.k > 31) throw new FilterError('shift by more than 31 bits');
  }
  g.release(left.register);
  g.release(right.register);
  const register = g.allocate();
  const statements = [
    ...left.statements,
    ...right.statements,
    { op: LDX_MEM, k: right.register },
    { op: LD_MEM, k: left.register },
    { op, k: 0 },
    { op: ST, k: register },
  ];
  return { statements, register, guard: left.guard };
}

/** `PROTOCOL[INDEX:SIZE]`. */
export function packetValue(g: Generator, protocol: Protocol, index: Arithmetic, size: number): Arithmetic {
  const register = g.allocate();
  g.release(index.register);
  if (size !== 1 && size !== 2 && size !== 4) throw new FilterError('data size must be 1, 2, or 4');
  const statements = [...index.statements];
  const add = (instructions: Instruction[]) => statements.push(...instructions);
  const guard = loadPacket(g, protocol, index, size, add);
  add([{ op: ST, k: register }]);
  return { statements, register, guard };
}

function loadPacket(
  g: Generator,
  protocol: Protocol,
  index: Arithmetic,
  size: Size,
  add: (instructions: Instruction[]) => void,
): Block | undefined {
  /** X becomes the index, plus what is variable in the header's offset. */
  const indexIntoX = (offsetRegister: number | undefined) =>
    add(
      offsetRegister === undefined
        ? [{ op: LDX_MEM, k: index.register }]
        : [
            { op: LDX_MEM, k: offsetRegister },
            { op: LD_MEM, k: index.register },
            { op: ALU_ADD_X, k: 0 },
            { op: TAX, k: 0 },
          ],
    );
  switch (protocol) {
    case 'link':
      indexIntoX(g.linkhdr.register);
      add([{ op: indirect(size), k: g.linkhdr.constant }]);
      return index.guard;
    case 'ip':
    case 'arp':
    case 'rarp':
    case 'atalk':
    case 'decnet':
    case 'sca':
    case 'lat':
    case 'moprc':
    case 'mopdl':
    case 'ip6':
      indexIntoX(g.linkpl.register);
      add([{ op: indirect(size), k: g.linkpl.constant + g.nl }]);
      return guarded(index.guard, protocolBlock(g, protocol));
    case 'sctp':
    case 'tcp':
    case 'udp':
    case 'icmp':
    case 'igmp':
    case 'igrp':
    case 'pim':
    case 'vrrp':
    case 'carp': {
      add(g.loadIpHeaderLength());
      add([
        { op: LD_MEM, k: index.register },
        { op: ALU_ADD_X, k: 0 },
        { op: TAX, k: 0 },
        { op: indirect(size), k: g.linkpl.constant + g.nl },
      ]);
      const has = and(protocolBlock(g, protocol), notLaterFragment(g));
      return and(linkProtocol(g, ETHERTYPE_IP), guarded(index.guard, has)!);
    }
    case 'icmp6': {
      const ip6 = guarded(index.guard, linkProtocol(g, ETHERTYPE_IPV6));
      const guard = guarded(ip6, g.equal('linkpl', 6, 1, 58));
      indexIntoX(g.linkpl.register);
      add([{ op: indirect(size), k: g.linkpl.constant + g.nl + 40 }]);
      return guard;
    }
    case 'radio':
      throw new FilterError('radio information not present in capture');
    default:
      throw new FilterError('unsupported index operation');
  }
}

/** A comparison; `op` is a jump on X. Equality is tested as a difference of zero. */
export function relation(
  g: Generator,
  op: number | 'equal',
  left: Arithmetic,
  right: Arithmetic,
  reversed: boolean,
): Block {
  const statements = [
    ...left.statements,
    ...right.statements,
    { op: LDX_MEM, k: right.register },
    { op: LD_MEM, k: left.register },
  ];
  if (op === 'equal') statements.push({ op: ALU_SUB_X, k: 0 });
  const compared = test(statements, op === 'equal' ? JEQ_K : op, 0);
  g.release(left.register);
  g.release(right.register);
  const guard = guarded(left.guard, right.guard);
  const block = reversed ? not(compared) : compared;
  return guard === undefined ? block : and(guard, block);
}

/**
 * Filter expressions (pcap-filter(7)): text in, a program for classic BPF out. Wrong text gives
 * libpcap's message; nothing here throws.
 */
import { vlanId } from '../../wire/vlan.ts';
import type { FrameView, PacketFilter } from '../frame.ts';
import { assemble } from './block.ts';
import { type BpfProgram, runProgram } from './bpf.ts';
import { FilterError } from './error.ts';
import { type FilterTarget, Generator } from './generator.ts';
import { Parser } from './parser.ts';
import { rejectsAll } from './satisfiable.ts';

export type { BpfProgram as CompiledFilter } from './bpf.ts';
export type { FilterTarget } from './generator.ts';

/** A compiled expression, or why there is none. */
export type Compiled = { program: BpfProgram } | { error: string };

/**
 * @param optimize as pcap_compile(): only then an expression that no frame can pass is refused
 */
export function compileFilter(text: string, target: FilterTarget, optimize = true): Compiled {
  try {
    const block = new Parser(new Generator(target), text).parse();
    const program = assemble(block, target.snaplen, target.live);
    if (optimize && rejectsAll(program)) return { error: 'expression rejects all packets' };
    return { program };
  } catch (error) {
    if (error instanceof FilterError) return { error: error.message };
    throw error;
  }
}

/** The program as a socket's filter: `len` is the length of the frame that it is shown. */
export function socketFilter(program: BpfProgram): PacketFilter {
  return (frame: FrameView) => runProgram(program, frame, frame.end - frame.start);
}

/**
 * Whether a packet passes outside the kernel: what was captured, and the length it had on the wire.
 * Of what the kernel knows beside the frame, only the VLAN tag is known here; a program that asks for
 * more passes nothing.
 * @param vlanTci the tag that was kept beside the frame; negative without one
 */
export function matchesPacket(program: BpfProgram, data: Uint8Array, length: number, vlanTci = -1): boolean {
  const frame: FrameView = {
    bytes: data,
    start: 0,
    end: data.length,
    vlanTci: vlanTci < 0 ? -1 : vlanId(vlanTci),
    vlanProtocol: 0,
    pktType: -1,
    ifindex: -1,
    protocol: -1,
  };
  return runProgram(program, frame, length) !== 0;
}

/** What well-known TCP ports carry, where tcpdump has a printer for it. */
import type { Dissection } from './dissection.ts';

/** Print a segment's data, if its ports say what it is. */
export function tcpPayload(_d: Dissection, _at: number, _length: number, _source: number, _destination: number): void {}

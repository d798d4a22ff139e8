/** Copies of what sockets receive, carved out of larger pieces: an ArrayBuffer of its own for each costs more than all else. */

const SLAB = 65536;
/** Longer payloads get a buffer of their own, so that one that is kept holds no large slab with little use. */
const LONGEST = 4096;
/** Short ones lie in the heap of the engine, where an allocation is cheap. */
const SHORTEST = 64;

let slab = new Uint8Array(0);
let used = 0;

/** A copy of `bytes` from `start` to `end`. */
export function payloadCopy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start;
  if (length <= SHORTEST || length > LONGEST) return bytes.slice(start, end);
  if (used + length > slab.length) {
    slab = new Uint8Array(SLAB);
    used = 0;
  }
  const copy = slab.subarray(used, used + length);
  copy.set(bytes.subarray(start, end));
  used += length;
  return copy;
}

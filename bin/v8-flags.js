// How V8 is set for the program; the benchmarks of the packet path run with the same.
export const V8_FLAGS = [
  // The optimizing compiler begins later than by default (67584): most labs are over before its work would pay.
  '--interrupt-budget=300000',
  // A frame's way is a long chain of small functions: more of it may become one (default 920). Frames pass a
  // fifth faster; a lab that only sets up a thousand namespaces takes some hundredths of a second more.
  '--max-inlined-bytecode-size-cumulative=2000',
  // Nobody waits between two frames: one thread collects the young garbage. Marking stays in steps, though:
  // at one go V8 forgets the shapes of what does not live just then, and compiles again whatever knew them.
  '--no-parallel-scavenge',
  // V8 puts literals straight among the old objects where it thinks that they will grow old. There they keep alive
  // whatever they hold until the next major collection: process after process of a lab was copied and kept for it.
  '--no-allocation-site-pretenuring',
];

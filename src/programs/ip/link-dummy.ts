import type { LinkKind } from './link-kind.ts';

/** `type dummy`: has no options, words behind it are ignored. */
export const dummyKind: LinkKind = { id: 'dummy', help: (out) => out.write('Usage: ... dummy\n') };

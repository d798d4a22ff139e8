/** What a lab needs and a kernel does not have. */

const REFUSED = /Unknown device type/;
const KIND = /\b(?:type|kind)\s+([a-z][a-z0-9_]*)/g;

/** Kinds of devices in the text of commands whose output says that a kind is unknown. */
export function missingDevices(command: string, output: string): string[] {
  if (!REFUSED.test(output)) return [];
  return [...new Set([...command.matchAll(KIND)].map(([, kind]) => kind!))];
}

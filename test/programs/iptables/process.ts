/** Runs iptables in a process that has nothing but a namespace's packet filters. */
import { Kernel } from '../../../src/kernel/core/kernel.ts';
import { XtablesSocket } from '../../../src/kernel/netfilter/xtables-uapi.ts';
import { PROGRAMS } from '../../../src/programs/registry.ts';
import { EAFNOSUPPORT, ENOENT } from '../../../src/uapi/errno.ts';
import type { OutputStream, Process } from '../../../src/uapi/process.ts';
import { refuse } from '../../../src/uapi/result.ts';
import type { Xtables } from '../../../src/uapi/xtables.ts';

/** A fresh namespace's packet filters. */
export function freshXtables(): Xtables {
  const kernel = new Kernel({ seed: 1 });
  return new XtablesSocket(kernel.createNamespace());
}

/** Run one command; standard output and error come together, as they did when recorded. */
export async function run(
  xtables: Xtables,
  { argv, input }: { argv: readonly string[]; input: string },
): Promise<{ output: string; status: number }> {
  let output = '';
  let buffered = '';
  const text = (data: string | Uint8Array) => (typeof data === 'string' ? data : new TextDecoder().decode(data));
  const stdout: OutputStream = {
    isTty: false,
    write(data) {
      buffered += text(data);
    },
    async flush() {
      output += buffered;
      buffered = '';
    },
    setBuffering() {},
  };
  const stderr: OutputStream = {
    ...stdout,
    write(data) {
      output += text(data);
    },
  };
  const files = { readText: () => refuse(ENOENT) };
  const stdin = { readAll: async () => new TextEncoder().encode(input) };
  const task = { xtables, socket: () => refuse(EAFNOSUPPORT), rtnl: { dumpAddrs: () => [] } };
  const now = { realtime: () => 0, utcOffset: 0 };
  const process = { argv, env: new Map(), stdout, stderr, stdin, files, task, ...now } as unknown as Process;
  const status = await PROGRAMS.get(argv[0]!)!(process);
  return { output: output + buffered, status };
}

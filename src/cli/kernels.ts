/** `hairpin kernels`: where labs can run on this machine, and what each place offers. */
import type { Backend } from '../lab/backend.ts';
import { twin } from '../lab/twin-backend.ts';
import { kernel } from '../linux/kernel-backend.ts';
import { type Offer, probe } from '../linux/probe.ts';
import { uml } from '../linux/uml-backend.ts';
import { BackendUnavailable } from '../linux/unavailable.ts';
import { HELP, parseKernels } from './options.ts';
import { styleFor } from './style.ts';
import { usageText } from './usage.ts';

const BACKENDS: readonly (readonly [backend: Backend, what: string])[] = [
  [twin, 'the model of the kernel'],
  [kernel, "this machine's kernel"],
  [uml, 'User-Mode Linux'],
];

export async function kernels(argv: readonly string[]): Promise<number> {
  const options = parseKernels(argv);
  if (options === HELP) {
    process.stdout.write(usageText('kernels')!);
    return 0;
  }
  const style = styleFor(process.stdout, process.env);
  const found: Record<string, unknown>[] = [];
  for (const [backend, what] of BACKENDS) {
    const answer = await ask(backend);
    if (options.json) {
      found.push({ name: backend.name, ...(typeof answer === 'string' ? { unavailable: answer } : answer) });
      continue;
    }
    const name = style.bold(backend.name.padEnd(6));
    if (typeof answer === 'string') {
      process.stdout.write(`${name}  ${style.red('not here')}  ${answer}\n`);
      continue;
    }
    const user = backend.name === 'kernel' ? (process.getuid?.() === 0 ? ', as root' : ', as an ordinary user') : '';
    process.stdout.write(`${name}  ${style.green('ready')}  ${what}, Linux ${answer.release}${user}\n`);
    process.stdout.write(`        offers  ${answer.offered.join(', ')}\n`);
    if (answer.missing.length > 0) process.stdout.write(`        lacks   ${answer.missing.join(', ')}\n`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
  return 0;
}

/** What the backend offers, or why it cannot run. */
async function ask(backend: Backend): Promise<Offer | string> {
  try {
    return await probe(backend);
  } catch (error) {
    if (error instanceof BackendUnavailable) return error.message;
    throw error;
  }
}

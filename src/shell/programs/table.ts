/** The programs of this layer: those that deal with processes, files and time rather than with the network. */
import { bash } from '../bash/main.ts';
import type { SystemProgram } from '../process/system.ts';
import { cat } from './cat.ts';
import { sleep } from './sleep.ts';

export const ownPrograms: ReadonlyMap<string, SystemProgram> = new Map<string, SystemProgram>([
  ['bash', bash],
  ['sh', bash],
  ['cat', cat],
  ['sleep', sleep],
  ['true', async () => 0],
  ['false', async () => 1],
]);

/** The twin as a backend. */
import type { Backend } from './backend.ts';
import { TwinMachine } from './twin-machine.ts';

export const twin: Backend<TwinMachine> = {
  name: 'twin',
  start: async (options) => new TwinMachine(options),
};

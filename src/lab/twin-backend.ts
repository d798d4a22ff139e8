/** The twin as a backend. */
import type { Backend } from './backend.ts';
import { TwinMachine, type TwinStartOptions } from './twin-machine.ts';

export const twin: Backend<TwinMachine> & { start(options: TwinStartOptions): Promise<TwinMachine> } = {
  name: 'twin',
  start: async (options: TwinStartOptions) => new TwinMachine(options),
};

/** Standard input of the host as that of a lab. */
import type { LabMachine, TerminalMachine } from '../lab/backend.ts';

/** Pass standard input on while the lab runs. Returns what ends that. */
export function connectStdin(machine: LabMachine): () => void {
  if (!isTerminal(machine)) return () => undefined;
  const { stdin } = process;
  const data = (chunk: Uint8Array) => machine.type(chunk);
  const end = () => machine.endInput();
  stdin.on('data', data);
  stdin.on('end', end);
  stdin.on('error', end);
  return () => {
    stdin.off('data', data);
    stdin.off('end', end);
    stdin.pause();
    stdin.unref?.();
  };
}

function isTerminal(machine: LabMachine): machine is TerminalMachine {
  return 'type' in machine;
}

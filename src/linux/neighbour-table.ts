/**
 * The kernel's table of neighbours is one for all network namespaces: when others fill it, labs get
 * "No buffer space available" through no fault of theirs.
 */
import { readFileSync } from 'node:fs';

/** How often the table was full since the machine started; 0 where it does not say. */
export function neighbourTableOverflows(): number {
  let text: string;
  try {
    text = readFileSync('/proc/net/stat/arp_cache', 'utf8');
  } catch {
    return 0;
  }
  const [head = '', ...cpus] = text.trim().split('\n');
  const column = head.split(/\s+/).indexOf('table_fulls');
  if (column < 0) return 0;
  return cpus.reduce((sum, cpu) => sum + Number.parseInt(cpu.split(/\s+/)[column] ?? '0', 16), 0);
}

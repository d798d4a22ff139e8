/**
 * The conformance cases: files in `cases/`, each with many. A case is a bash script; `=== name` begins
 * it. Lines with `@` in front of the first case are functions that all cases of the file have.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const FOLDER: string = dirname(fileURLToPath(import.meta.url));

export interface Case {
  area: string;
  name: string;
  script: string;
}

/** What a kernel printed, as recorded: masked lines by name of the case. */
export interface Recording {
  kernel: string;
  tools: Record<string, string>;
  date: string;
  cases: Record<string, string[]>;
}

export function readCases(): Case[] {
  const prelude = readFileSync(join(FOLDER, 'cases/prelude.sh'), 'utf8');
  const cases: Case[] = [];
  for (const file of readdirSync(join(FOLDER, 'cases')).sort()) {
    if (!file.endsWith('.txt')) continue;
    const [head = '', ...parts] = readFileSync(join(FOLDER, 'cases', file), 'utf8').split(/^=== /m);
    const shared = head.replace(/^@/gm, '');
    for (const part of parts) {
      const end = part.indexOf('\n');
      const script = `exec 2>&1\n${prelude}${shared}\n${part.slice(end + 1)}`;
      cases.push({ area: file.replace(/\.txt$/, ''), name: part.slice(0, end), script });
    }
  }
  return cases;
}

export function recordingOf(kernel: string, area: string): Recording | undefined {
  try {
    return JSON.parse(readFileSync(join(FOLDER, `recordings/${kernel}/${area}.json`), 'utf8')) as Recording;
  } catch {
    return undefined;
  }
}

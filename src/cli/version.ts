/** The version of the installed package. */
import { readFileSync } from 'node:fs';

function findVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const about = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (about.name === 'hairpin' && about.version !== undefined) return about.version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return 'of unknown version';
}

export const VERSION: string = findVersion();

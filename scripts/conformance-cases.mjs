// The conformance cases as scripts, for what records them and what counts how many agree.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'test/conformance');

/** Names of all areas. */
export const AREAS = readdirSync(join(folder, 'cases'))
  .filter((file) => file.endsWith('.txt'))
  .map((file) => file.slice(0, -4));

/** What a kernel must be able to do for the cases of an area, if not every kernel can: a command. */
export function needOf(area) {
  const head = readFileSync(join(folder, 'cases', `${area}.txt`), 'utf8').split('\n', 1)[0];
  return head.startsWith('# needs: ') ? head.slice('# needs: '.length) : undefined;
}

/** The cases of an area: name and script. */
export function casesOf(area) {
  const prelude = readFileSync(join(folder, 'cases/prelude.sh'), 'utf8');
  const [head, ...parts] = readFileSync(join(folder, 'cases', `${area}.txt`), 'utf8').split(/^=== /m);
  return parts.map((part) => {
    const end = part.indexOf('\n');
    return {
      name: part.slice(0, end),
      script: `exec 2>&1\n${prelude}${head.replace(/^@/gm, '')}\n${part.slice(end + 1)}`,
    };
  });
}

/** What a TypeScript file of the suite exports. */
async function load(file) {
  const { outputFiles } = await build({
    entryPoints: [join(folder, file)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    logLevel: 'error',
  });
  const source = Buffer.from(outputFiles[0].contents).toString('base64');
  return import(`data:text/javascript;base64,${source}`);
}

/** The list of cases that are known to differ, with the reasons. */
export async function knownDeviations() {
  return (await load('known-deviations.ts')).KNOWN_DEVIATIONS;
}

/** How the kernels with recordings are built. */
export async function kernelConfigs() {
  return (await load('kernels.ts')).KERNELS;
}

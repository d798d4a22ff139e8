// `npm run bench`: measures the twin, this machine's kernel and ns-3; see README.md in this folder.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HELP, parseOptions, UsageError } from './options.mjs';
import { findPeers } from './peers.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const anchorsFile = join(root, 'bench/anchors.json');

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!existsSync(join(root, 'dist/lab/twin.js')))
    throw new UsageError('Hairpin is not built: run npm run build first');
  // What is measured is imported from dist.
  const { anchorsOf, faultsOf, measure } = await import('./sections.mjs');
  const peers = findPeers(options);
  const anchors = JSON.parse(readFileSync(anchorsFile, 'utf8'));
  for (const [name, { missing }] of Object.entries(peers))
    if (missing !== undefined)
      console.log(
        `${name} is not measured: ${missing}. Ratios to it, marked *, are to figures of ${anchors.date} from ${anchors.machine.cpu}.`,
      );
  if (options.record && Object.values(peers).some(({ missing }) => missing !== undefined))
    throw new UsageError('--record needs the kernel and ns-3');
  const results = await measure(options, peers, anchors);
  const file = options.json ?? join(root, '.hairpin/bench.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  console.log(`\nwritten: ${file}`);
  if (options.record) writeFileSync(anchorsFile, `${JSON.stringify(anchorsOf(results), undefined, 2)}\n`);
  if (options.write) {
    const { report } = await import('./report.mjs');
    const { pictures } = await import('./charts.mjs');
    writeFileSync(join(root, 'docs/performance.md'), report(results, anchors));
    for (const [name, svg] of Object.entries(pictures(results.curves))) writeFileSync(join(root, 'docs', name), svg);
  }
  const wrong = faultsOf(results);
  for (const sentence of wrong) console.log(`FAILED: ${sentence}`);
  return wrong.length > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${error.message}`);
  if (error instanceof UsageError) console.error('npm run bench -- --help tells the options');
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

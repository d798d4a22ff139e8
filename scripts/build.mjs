// Builds the package: the text utilities are bundled into one file, every layer is compiled by
// project references, and the command-line program is bundled so that it starts quickly.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

if (!existsSync(join(root, 'dist/vendor/just-bash.js'))) {
  await build({
    entryPoints: [join(dirname(require.resolve('just-bash')), 'browser.js')],
    outfile: join(root, 'dist/vendor/just-bash.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['browser', 'module', 'main'],
    external: ['node:*'],
    legalComments: 'eof',
    logLevel: 'error',
  });
}

const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
const compiled = spawnSync(process.execPath, [tsc, '-b', 'src/cli', 'src/lab'], { cwd: root, stdio: 'inherit' });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

await build({
  entryPoints: [join(root, 'dist/cli/main.js')],
  outfile: join(root, 'dist/hairpin.js'),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['#just-bash'],
  legalComments: 'none',
  logLevel: 'error',
});

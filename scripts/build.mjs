// Builds the package: the text utilities are bundled into one file, every layer is compiled by
// project references, and the command-line program is bundled, with its compiled code, so that it starts
// quickly.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

const utilities = join(root, 'dist/vendor/just-bash.js');
const newer = (path) => statSync(join(root, path)).mtimeMs > statSync(utilities).mtimeMs;
if (!existsSync(utilities) || newer('scripts/build.mjs') || newer('package-lock.json')) {
  const { outputFiles } = await build({
    entryPoints: [join(dirname(require.resolve('just-bash')), 'browser.js')],
    outfile: utilities,
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['browser', 'module', 'main'],
    external: ['node:*'],
    legalComments: 'eof',
    logLevel: 'error',
  });
  // sort, ls and others collate by the host's locale; a lab's locale is C.UTF-8: by code.
  const collated = outputFiles[0].text.replace(
    /([\w$]+(?:\.[\w$]+|\[[\w$]+\])*)\.localeCompare\(/g,
    '((a,b)=>a<b?-1:a>b?1:0)($1,',
  );
  mkdirSync(dirname(utilities), { recursive: true });
  writeFileSync(utilities, collated);
}

const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
const compiled = spawnSync(process.execPath, [tsc, '-b', 'src/cli', 'src/lab'], { cwd: root, stdio: 'inherit' });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

const bundle = join(root, 'dist/hairpin.js');
const codeCache = join(root, 'dist/hairpin.cache');
// Rolldown keeps declarations as they are written; esbuild would make variables of constants and classes,
// which V8 has to look at each time it meets them.
const program = await rolldown({
  input: join(root, 'dist/cli/main.js'),
  platform: 'node',
  external: ['#just-bash'],
  transform: { define: { 'import.meta.url': 'bundleUrl' } },
  logLevel: 'warn',
});
const { output } = await program.generate({ format: 'cjs', codeSplitting: false });
const { code } = await transform(output[0].code, { charset: 'ascii', target: 'node20', legalComments: 'none' });
rmSync(codeCache, { force: true });
// A function that bin/program.js calls: only of a script can V8 keep the compiled code, and a script cannot
// import.
const body = code.replaceAll('import("#just-bash")', 'importModule("#just-bash")');
writeFileSync(bundle, `(function (require, exports, importModule, bundleUrl) {${body}})`);
const warm = ['scripts/code-cache.mjs', 'run', '--quiet', 'labs/vepa.md'];
const warmed = spawnSync(process.execPath, warm, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
if (warmed.status !== 0) process.exit(1);

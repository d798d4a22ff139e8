// Runs everything: format and lint, types, tests in Node and in Chromium, the labs. Prints a line
// `N passed, N failed` at the end. Says aloud what could not run here and why.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules/.bin', name);
const run = (command, args, options = {}) => spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });

let passed = 0;
let failed = 0;
const notes = [];

function step(title, command, args, options) {
  console.log(`\n== ${title}`);
  const { status } = run(command, args, options);
  if (status === 0) passed++;
  else {
    failed++;
    notes.push(`FAILED: ${title}`);
  }
}

/** Installs Debian packages when this is Debian and we are root; true when `path` is there afterwards. */
function provide(path, packages) {
  if (existsSync(path)) return true;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log(`installing ${packages.join(' ')} ...`);
    const quiet = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    run('apt-get', ['update'], quiet);
    run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], quiet);
  }
  return existsSync(path);
}

if (!existsSync(join(root, 'node_modules'))) run('npm', ['ci']);
step('build', process.execPath, ['scripts/build.mjs']);
step('format and lint', bin('biome'), ['check', '.']);
step('types', bin('tsc'), ['-b']);
if (run(process.execPath, ['scripts/fidelity.mjs', '--check'], { stdio: 'ignore' }).status !== 0) {
  notes.push('docs/fidelity.md is out of date: run node scripts/fidelity.mjs');
}

const env = { ...process.env };
if (!provide(process.env.CHROMIUM ?? '/usr/bin/chromium', ['chromium'])) {
  env.HAIRPIN_NO_BROWSER = '1';
  notes.push(
    'Chromium cannot be had here (Debian package chromium, or CHROMIUM=/path): the core was tested in Node only.',
  );
}
/** What the live comparison needs: a program, and the Debian packages that have it. */
const FOR_KERNELS = [
  ['/usr/bin/tcpdump', ['tcpdump']],
  ['/usr/bin/ping', ['iputils-ping']],
  ['/usr/bin/arping', ['iputils-arping']],
  ['/usr/sbin/ip', ['iproute2']],
  ['/usr/sbin/iptables-legacy', ['iptables']],
  ['/usr/sbin/modprobe', ['kmod']],
  ['/usr/bin/linux.uml', ['user-mode-linux']],
];
const missing = FOR_KERNELS.filter(([path]) => !existsSync(path));
if (missing.length > 0) {
  provide(
    missing[0][0],
    missing.flatMap(([, packages]) => packages),
  );
}
for (const [path, packages] of missing) {
  if (existsSync(path)) continue;
  notes.push(`${packages.join(' ')} cannot be had here: what needs it was compared with recordings only.`);
}

console.log('\n== tests');
const folder = mkdtempSync(join(tmpdir(), 'hairpin-test-'));
const report = join(folder, 'report.json');
const reporter = process.env.CI ? 'dot' : 'default';
const { status } = run(
  bin('vitest'),
  ['run', `--reporter=${reporter}`, '--reporter=json', `--outputFile.json=${report}`],
  { env },
);
if (existsSync(report)) {
  const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'));
  passed += numPassedTests;
  failed += numFailedTests;
  if (status !== 0 && numFailedTests === 0) failed++;
  if (numTotalTests === 0) failed++;
} else failed++;
rmSync(folder, { recursive: true, force: true });

step('labs', process.execPath, ['bin/hairpin.js', 'test', 'labs']);

console.log('');
for (const note of notes) console.log(`note: ${note}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

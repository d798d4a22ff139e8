// Runs the conformance cases on this machine's kernel, or with --on uml on User-Mode Linux, and writes
// what it prints, masked, to test/conformance/recordings/<kernel>/.
// Usage: node scripts/record-conformance.mjs [--on kernel|uml] [--missing] [area ...]
// With --missing only cases that this kernel has no recording of. What is recorded is written after each case.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { maskLines } from '../dist/lab/mask.js';
import { kernel } from '../dist/linux/kernel-backend.js';
import { uml } from '../dist/linux/uml-backend.js';
import { AREAS, casesOf, needOf } from './conformance-cases.mjs';

// A case may write where it stands: let that be nowhere.
const nowhere = mkdtempSync('/var/tmp/hairpin-conformance-');
process.chdir(nowhere);
process.on('exit', () => rmSync(nowhere, { recursive: true, force: true }));
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'test/conformance');
const { values, positionals: areas } = parseArgs({
  options: { on: { type: 'string', default: 'kernel' }, missing: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const backend = { kernel, uml }[values.on];
if (backend === undefined) throw new Error(`--on ${values.on}: choose kernel or uml`);
const kernelRelease = backend === kernel ? release() : (await runText('cat /proc/sys/kernel/osrelease')).trim();
const name = `${backend === kernel ? 'linux' : 'uml'}-${kernelRelease.match(/^\d+\.\d+/)[0]}`;

async function runText(script) {
  let text = '';
  const decoder = new TextDecoder();
  const machine = await backend.start({
    folder: { path: nowhere },
    seed: 1,
    terminal: false,
    sink: (_, data) => {
      text += decoder.decode(data, { stream: true });
    },
  });
  const ended = machine.script('-', script, []);
  const late = setTimeout(() => {
    text += '\n[stopped after 90 s]\n';
    void machine.stop();
  }, 90_000);
  await ended;
  clearTimeout(late);
  await machine.stop();
  return text;
}

/** What is recorded already of a case, by any kernel. */
function recorded(area, title) {
  return readdirSync(join(folder, 'recordings')).flatMap((kernelName) => {
    try {
      const { cases } = JSON.parse(readFileSync(join(folder, 'recordings', kernelName, `${area}.json`), 'utf8'));
      return cases[title] === undefined ? [] : [maskLines(cases[title].join('\n')).join('\n')];
    } catch {
      return [];
    }
  });
}

/**
 * What two runs in a row print: a machine under load is late now and then. A run that prints what was
 * recorded before, here or on another kernel, needs no second one.
 */
async function settled(script, known) {
  let last = maskLines(await runText(script));
  if (known.includes(last.join('\n'))) return last;
  for (let tries = 0; tries < 4; tries++) {
    const next = maskLines(await runText(script));
    if (next.join('\n') === last.join('\n')) return next;
    last = next;
  }
  return last;
}

const version = (command, ...args) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    .trim()
    .split('\n')[0];
const tools = {
  iproute2: version('ip', '-V'),
  iputils: version('ping', '-V'),
  iptables: version('iptables', '-V'),
  tcpdump: '4.99.3',
};
mkdirSync(join(folder, 'recordings', name), { recursive: true });
for (const area of areas.length > 0 ? areas : AREAS) {
  const needed = needOf(area);
  if (needed !== undefined && !(await runText(`${needed} && echo has it`)).includes('has it')) {
    console.log(`${area}: this kernel cannot: ${needed}`);
    continue;
  }
  const list = casesOf(area);
  const path = join(folder, 'recordings', name, `${area}.json`);
  const cases = values.missing && existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).cases : {};
  const wanted = list.filter(({ name: title }) => cases[title] === undefined);
  let next = 0;
  const save = () => {
    const done = list.filter(({ name: title }) => cases[title] !== undefined);
    const ordered = Object.fromEntries(done.map(({ name: title }) => [title, cases[title]]));
    const recording = { kernel: kernelRelease, tools, date: new Date().toISOString().slice(0, 10), cases: ordered };
    writeFileSync(path, `${JSON.stringify(recording, undefined, 1)}\n`);
  };
  const worker = async () => {
    while (next < wanted.length) {
      const { name: title, script } = wanted[next++];
      cases[title] = await settled(script, recorded(area, title));
      save();
    }
  };
  await Promise.all(Array.from({ length: backend === kernel ? 4 : 3 }, worker));
  console.log(`${area}: ${wanted.length} cases`);
}
process.exit(0);

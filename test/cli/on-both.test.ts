/** `--on both` of a lab for which this machine's kernel lacks a device. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { whyUnavailable } from '../../src/linux/kernel-backend.ts';
import { whyUmlUnavailable } from '../../src/linux/uml-backend.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = mkdtempSync(join(tmpdir(), 'hairpin-both-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const whyUml = whyUmlUnavailable() ?? whyUnavailable();

describe.skipIf(whyUml !== undefined)('a lab whose devices this kernel lacks', () => {
  it('is compared with User-Mode Linux by --on both', { timeout: 120_000 }, () => {
    const commands = [
      '$ ip link add v0 type veth',
      '$ ip link add link v0 name v0.5 type vlan id 5',
      '$ ip -br link show v0.5',
    ];
    writeFileSync(join(folder, 'vlan.md'), `# A VLAN\n\n\`\`\`console\n${commands.join('\n')}\n\`\`\`\n`);
    const program = join(root, 'bin/hairpin.js');
    const args = [program, 'run', 'vlan.md', '--on', 'both'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    const lacks = stderr.includes('has no device of type vlan: compared with User-Mode Linux instead');
    expect(stdout).toContain(`twin and ${lacks ? 'uml' : 'kernel'} agree`);
    expect(status).toBe(0);
  });
});

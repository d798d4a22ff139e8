/**
 * Recorded on Linux 6.18 with IPv6 switched off and sysfs of the namespace: iproute2 6.1.0, bridge-utils 1.7.1,
 * net-tools 2.10, procps-ng 4.0.2. Commands of one recording follow each other in one namespace.
 */
import { describe, expect, it } from 'vitest';
import { arp } from '../../src/programs/arp.ts';
import { brctl } from '../../src/programs/brctl.ts';
import { bridge } from '../../src/programs/bridge/bridge.ts';
import { ifconfig } from '../../src/programs/ifconfig/ifconfig.ts';
import { ip } from '../../src/programs/ip/ip.ts';
import { sysctl } from '../../src/programs/sysctl.ts';
import { loadRecording, replay } from './replay.ts';

describe.each([
  ['route', ip],
  ['neigh', ip],
  ['bridge', bridge],
  ['brctl', brctl],
  ['arp', arp],
  ['ifconfig', ifconfig],
  ['sysctl', sysctl],
] as const)('the commands of recordings/%s.jsonl print what the real program printed', (name, program) => {
  const recording = loadRecording(name);

  it.each(recording.commands)('$command', async (recorded) => {
    const { output, status } = await replay(program, recording, recorded);
    expect(output).toBe(recorded.output);
    expect(status).toBe(recorded.status);
  });
});

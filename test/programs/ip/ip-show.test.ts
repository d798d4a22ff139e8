/**
 * Golden text: iproute2 6.1.0 on Linux 6.18 (ip-show.json) and on 6.1 for the kinds that machine lacked
 * (ip-show-vlan.json), with IPv6 switched off; recorded with the devices it shows.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ip } from '../../../src/programs/ip/ip.ts';
import { runWith } from './fake-process.ts';
import { type Recording, recordedRtnetlink } from './recorded.ts';

const load = (file: string): Recording => JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as Recording;

/** Timers run on between two commands of a recording. */
const still = (text: string): string =>
  text.replace(/_timer"?:? +\d+\.\d\d/g, '_timer').replace(/_timer":\d+\.\d\d/g, '_timer"');

describe.each(['ip-show.json', 'ip-show-vlan.json'])(
  'ip shows the devices and addresses of %s as iproute2 does',
  (file) => {
    const recording = load(file);
    const rtnl = recordedRtnetlink(recording);
    const files = Object.fromEntries(recording.netns.map(({ name }, i) => [`/run/netns/${name}`, String(i)]));

    it.each(Object.entries(recording.commands))('%s', async (command, expected) => {
      const run = await runWith(ip, command.split(' '), rtnl, files);
      expect(still(run.stdout)).toBe(still(expected));
      expect(run).toMatchObject({ status: 0, stderr: '' });
    });
  },
);

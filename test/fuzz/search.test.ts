import { describe, expect, it } from 'vitest';
import { sinceLinux61 } from '../../src/fuzz/divergence.ts';
import type { FuzzLab } from '../../src/fuzz/fuzz-lab.ts';
import { examine, type RunLab } from '../../src/fuzz/search.ts';

/** A machine on which each command prints what `answer` says, given those before it. */
function machine(backend: string, answer: (command: string, before: readonly string[]) => string): RunLab {
  return async (lab) => ({
    backend,
    output: `${lab.commands.map((one, at) => `\n$ ${one}\n${answer(one, lab.commands.slice(0, at))}`).join('')}\n$ :\n`,
  });
}

const lab: FuzzLab = { seed: 7, commands: ['a', 'b', 'c', 'd now', 'look at it', 'e'] };
const twin = machine('twin', () => 'same\n');

describe('examining a lab', () => {
  it('finds nothing where both print the same', async () => {
    const options = { twin, against: machine('kernel', () => 'same\n'), width: 2, whole: false };
    expect(await examine(lab, options)).toEqual({ kind: 'same' });
  });

  it('finds the smallest lab that differs', async () => {
    const against = machine('kernel', (command, before) =>
      command.startsWith('look') && before.includes('b') && before.some((one) => one.startsWith('d'))
        ? 'other\n'
        : 'same\n',
    );
    const found = await examine(lab, { twin, against, width: 3, whole: false });
    expect(found).toMatchObject({ kind: 'differs', lab: { seed: 7, commands: ['b', 'd', 'look'] } });
  });

  it('leaves it whole when asked to, up to the command that differs', async () => {
    const against = machine('kernel', (command) => (command === 'c' ? 'other\n' : 'same\n'));
    const found = await examine(lab, { twin, against, width: 3, whole: true });
    expect(found).toMatchObject({ kind: 'differs', lab: { commands: ['a', 'b', 'c'] }, divergence: { at: 2 } });
  });

  it('does not blame the twin for a kernel that contradicts itself', async () => {
    let run = 0;
    const against: RunLab = (one) => machine('kernel', () => `${run++}\n`)(one);
    expect(await examine(lab, { twin, against, width: 1, whole: false })).toMatchObject({ kind: 'unstable' });
  });

  it('tells a lab in which frames pass without end from one that differs, without asking the kernel', async () => {
    const storm: RunLab = async (one) => ({ ...(await twin(one)), stopped: '5000000 events passed', storm: true });
    const against: RunLab = () => Promise.reject(new Error('was asked'));
    expect(await examine(lab, { twin: storm, against, width: 1, whole: false })).toEqual({ kind: 'storm', lab });
  });

  it('notices a backend that was stopped', async () => {
    const against: RunLab = async (one) => ({
      ...(await twin(one)),
      backend: 'kernel',
      stopped: 'took more than 60 s',
    });
    expect(await examine(lab, { twin, against, width: 1, whole: true })).toMatchObject({ kind: 'differs' });
  });
});

describe('what Linux 6.1 prints', () => {
  it('is alike for a device whose peer is down, in every form', () => {
    const lines = (state: string, dropped: number) =>
      `3: e1@if4: <NO-CARRIER,UP> mtu 1500 qdisc noqueue state ${state} mode DEFAULT
    TX:  bytes packets errors dropped carrier collsns
             0       0      0       ${dropped}       0       0
p2@if8           ${state.padEnd(14)} 10.0.0.1/24
"operstate":"${state}","stats64":{"rx":{"dropped":0},"tx":{"bytes":0,"dropped":${dropped}}}
  far:       0       0    0    0    0     0          0         0        0       0    0    ${dropped}    0     0       0          0
`;
    expect(sinceLinux61(lines('DOWN', 1))).toBe(sinceLinux61(lines('LOWERLAYERDOWN', 0)));
    expect(sinceLinux61(lines('UP', 0))).not.toBe(sinceLinux61(lines('DOWN', 0)));
  });

  it('is alike however often a carrier changed, and however late an answer came', () => {
    const lines = (changes: number, errors: number) =>
      `    TX errors: aborted   fifo  window heartbt transns
                     0      0       0       0       ${changes}
"carrier_changes":${changes},"carrier":1
Icmp: 3 ${errors} 0 2 0
`;
    expect(sinceLinux61(lines(4, 1))).toBe(sinceLinux61(lines(2, 0)));
  });

  it('is alike whether a kernel explains them or not, and other lines stay', () => {
    const told = '$ ip link set br0 netns n1\nError: The interface netns is immutable.\n\n[2]\n';
    const bare = '$ ip link set br0 netns n1\nRTNETLINK answers: Invalid argument\n\n[2]\n';
    expect(sinceLinux61(told)).toBe('$ ip link set br0 netns n1\nrefused\n\n[2]\n');
    expect(sinceLinux61(bare)).toBe(sinceLinux61(told));
  });
});

/** Frames of two machines compared: which are missing, which came in another order, which could not be seen. */
import { describe, expect, it } from 'vitest';
import { compareFrames, type FrameRun } from '../../src/lab/compare-frames.ts';
import { RandomAddresses } from '../../src/lab/random-address.ts';
import { tablesOf } from './tables.ts';

/** An ARP request of 10.0.0.`from` for 10.0.0.`to`. */
const arp = (from: number, to: number) =>
  Uint8Array.from([
    ...[255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, from, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1],
    ...[2, 0, 0, 0, 0, from, 10, 0, 0, from, 0, 0, 0, 0, 0, 0, 10, 0, 0, to],
  ]);

type At = readonly [time: number, frame: Uint8Array];

const run = (
  frames: readonly At[],
  since: readonly number[] = [0],
  commands: readonly number[] = [0, 100],
): FrameRun => ({
  interfaces: [{ namespace: 'ns1', device: 'v0', since, frames: frames.map(([time, data]) => ({ time, data })) }],
  addresses: new RandomAddresses(tablesOf({})),
  commands,
});

describe('frames of two machines', () => {
  it('agree as a multiset, whatever the order between conversations', () => {
    const one = run([
      [10, arp(1, 2)],
      [20, arp(3, 4)],
      [110, arp(1, 2)],
    ]);
    const other = run([
      [15, arp(3, 4)],
      [16, arp(1, 2)],
      [120, arp(1, 2)],
    ]);
    expect(compareFrames(one, other)).toEqual({
      interfaces: 1,
      frames: 3,
      agreeing: 3,
      inOrder: 3,
      unseen: 0,
      differences: [],
    });
  });

  it('differ where only one has a frame, and say which, how often and where', () => {
    const result = compareFrames(
      run([
        [10, arp(1, 2)],
        [11, arp(1, 2)],
      ]),
      run([
        [10, arp(1, 2)],
        [12, arp(3, 4)],
      ]),
    );
    expect(result).toMatchObject({ frames: 2, agreeing: 1 });
    expect(result.differences).toEqual([
      {
        place: 'v0 in ns1',
        lines: [
          {
            kind: 'first',
            count: 1,
            text: '02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.1, length 28',
          },
          {
            kind: 'second',
            count: 1,
            text: '02:00:00:00:00:03 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.4 tell 10.0.0.3, length 28',
          },
        ],
      },
    ]);
  });

  it('differ in the order within a conversation', () => {
    const result = compareFrames(
      run([
        [10, arp(1, 2)],
        [11, arp(2, 1)],
      ]),
      run([
        [10, arp(2, 1)],
        [11, arp(1, 2)],
      ]),
    );
    expect(result).toMatchObject({ frames: 2, agreeing: 2, inOrder: 1 });
    expect(result.differences[0]?.lines[0]).toMatchObject({ kind: 'order', count: 1 });
  });

  it('differ where one has an interface that the other has not', () => {
    const nothing = { ...run([]), interfaces: [] };
    expect(compareFrames(run([[10, arp(1, 2)]]), nothing)).toMatchObject({ interfaces: 1, frames: 1, agreeing: 0 });
    expect(compareFrames(nothing, run([[10, arp(1, 2)]]))).toMatchObject({ interfaces: 1, frames: 1, agreeing: 0 });
  });
});

describe('a capture that began late', () => {
  it('is not expected to have the frames of the command that it followed', () => {
    const result = compareFrames(
      run([
        [10, arp(1, 2)],
        [110, arp(1, 3)],
      ]),
      run([[110, arp(1, 3)]], [50]),
    );
    expect(result).toMatchObject({ frames: 1, agreeing: 1, unseen: 1, differences: [] });
  });

  it('is expected to have those of later commands', () => {
    const result = compareFrames(
      run([
        [10, arp(1, 2)],
        [110, arp(1, 3)],
      ]),
      run([], [50]),
    );
    expect(result).toMatchObject({ frames: 1, agreeing: 0, unseen: 1 });
  });

  it('counts what it did see', () => {
    const result = compareFrames(run([[10, arp(1, 2)]]), run([[60, arp(1, 2)]], [50]));
    expect(result).toMatchObject({ frames: 1, agreeing: 1, unseen: 0 });
  });

  it('follows a device that came back', () => {
    const commands = [0, 100, 200];
    const first = run(
      [
        [10, arp(1, 2)],
        [110, arp(1, 3)],
        [210, arp(1, 4)],
      ],
      [0],
      commands,
    );
    const result = compareFrames(first, run([[210, arp(1, 4)]], [0, 150], commands));
    expect(result).toMatchObject({ unseen: 1, agreeing: 1, frames: 2 });
  });

  it('of a script is expected to have what came later than it by the clock', () => {
    const result = compareFrames(
      run(
        [
          [10, arp(1, 2)],
          [60, arp(1, 3)],
        ],
        [0],
        [0],
      ),
      run([], [1050], [1000]),
    );
    expect(result).toMatchObject({ unseen: 1, frames: 1, agreeing: 0 });
  });
});

import { describe, expect, it } from 'vitest';
import { shrinkCommands, shrinkList, type Try } from '../../src/fuzz/shrink.ts';

/** Tries candidates in order against a predicate; counts them. */
function trying<T>(differs: (candidate: T) => boolean): { attempt: Try<T>; count: () => number } {
  let count = 0;
  return {
    attempt: async (candidates) => {
      const index = candidates.findIndex((candidate) => {
        count++;
        return differs(candidate);
      });
      return index < 0 ? undefined : index;
    },
    count: () => count,
  };
}

const numbers = Array.from({ length: 60 }, (_, index) => index);

describe('making a list smaller', () => {
  it('finds the elements that it takes, wherever they are', async () => {
    for (const needed of [[3], [0, 59], [7, 8, 9], [1, 20, 40, 58]]) {
      const { attempt } = trying<readonly number[]>((list) => needed.every((one) => list.includes(one)));
      expect(await shrinkList(numbers, 0, attempt)).toEqual(needed);
    }
  });

  it('leaves the end alone', async () => {
    const { attempt } = trying<readonly number[]>((list) => list.includes(5));
    expect(await shrinkList(numbers, 2, attempt)).toEqual([5, 58, 59]);
  });

  it('gives back what cannot be made smaller', async () => {
    const { attempt } = trying<readonly number[]>((list) => list.length === numbers.length);
    expect(await shrinkList(numbers, 0, attempt)).toEqual(numbers);
  });

  it('needs few attempts when little is needed', async () => {
    const { attempt, count } = trying<readonly number[]>((list) => list.includes(31));
    await shrinkList(numbers, 0, attempt);
    expect(count()).toBeLessThan(40);
  });
});

describe('making a lab smaller', () => {
  it('leaves out commands, and words of those that stay', async () => {
    const lab = ['ip link add v0 type veth', 'ip link set v0 mtu 1400 up', 'ping -c 1 10.0.0.1', 'ip -d link show v0'];
    const { attempt } = trying<readonly string[]>(
      (commands) =>
        commands.some((command) => command.startsWith('ip link add v0')) &&
        commands.some((command) => /^ip .*up$/.test(command)) &&
        /^ip .*link/.test(commands.at(-1)!),
    );
    expect(await shrinkCommands(lab, attempt)).toEqual(['ip link add v0', 'ip up', 'ip link']);
  });
});

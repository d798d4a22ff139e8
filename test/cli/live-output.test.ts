/** A script's output on its way to the host. */
import { describe, expect, it } from 'vitest';
import { liveOutput } from '../../src/cli/live-output.ts';
import type { StreamName } from '../../src/lab/backend.ts';

function collecting() {
  const writes: [StreamName, string][] = [];
  const output = liveOutput((stream, data) => writes.push([stream, Buffer.from(data).toString()]));
  const print = (stream: StreamName, text: string) => output.sink(stream, Buffer.from(text));
  return { writes, print, flush: output.flush };
}

describe('the output of a script', () => {
  it('goes out in one piece when the host gets its turn', async () => {
    const { writes, print } = collecting();
    print('stdout', 'one\n');
    print('stdout', 'two\n');
    expect(writes).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(writes).toEqual([['stdout', 'one\ntwo\n']]);
  });

  it('keeps its order between the two streams', () => {
    const { writes, print, flush } = collecting();
    print('stdout', 'out\n');
    print('stderr', 'err\n');
    print('stdout', 'out\n');
    flush();
    expect(writes).toEqual([
      ['stdout', 'out\n'],
      ['stderr', 'err\n'],
      ['stdout', 'out\n'],
    ]);
  });

  it('does not wait for the host once there is much of it', () => {
    const { writes, print } = collecting();
    for (let i = 0; i < 100; i++) print('stdout', 'x'.repeat(1000));
    expect(writes).toHaveLength(1);
    expect(writes[0]![1]).toHaveLength(66_000);
  });

  it('goes out once, also when it was asked for before the host gets its turn', async () => {
    const { writes, print, flush } = collecting();
    print('stdout', 'once\n');
    flush();
    await new Promise((resolve) => setImmediate(resolve));
    expect(writes).toEqual([['stdout', 'once\n']]);
  });
});

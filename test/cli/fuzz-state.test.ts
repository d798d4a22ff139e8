import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FuzzState } from '../../src/cli/fuzz-state.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hairpin-fuzz-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a search that goes on', () => {
  it('knows after an interruption what is done, in whatever order it was', () => {
    const path = join(folder, 'deep/state.json');
    const state = FuzzState.load(path);
    state.finish(1, 'same');
    state.finish(0, 'same');
    state.finish(4, 'differing', 'four.sh');
    state.finish(2, 'unstable', 'two.sh');
    const again = FuzzState.load(path);
    expect([0, 1, 2, 3, 4, 5].map((index) => again.isDone(index))).toEqual([true, true, true, false, true, false]);
    expect(again).toMatchObject({ done: 4, same: 2, differing: 1, unstable: 1, files: ['four.sh', 'two.sh'] });
  });

  it('begins anew once it is over', () => {
    const path = join(folder, 'state.json');
    const state = FuzzState.load(path);
    state.finish(0, 'same');
    state.clear();
    expect(FuzzState.load(path).done).toBe(0);
  });

  it('begins anew when the file holds something else', () => {
    const path = join(folder, 'state.json');
    for (const text of ['', '{}', '[1', '{"next":"x","ahead":[]}']) {
      writeFileSync(path, text);
      expect(FuzzState.load(path).done).toBe(0);
    }
  });
});

/** Jobs and traces of scripts, as bash 5.2.15 prints them. */
import { expect, it } from 'vitest';
import { Twin } from '../../src/lab/twin.ts';

async function output(script: string): Promise<string> {
  const twin = new Twin();
  const { stdout, stderr } = await twin.run(script);
  await twin.close();
  return stdout + stderr;
}

it('jobs of the parent are listed in substitutions and by simple commands of a pipeline, nowhere else', async () => {
  const script = `sleep 1 & sleep 1 &
( jobs ); { jobs; } | cat; f() { jobs; }; f | cat; jobs & wait $!
jobs | cat; echo "$(f)"; cat <(jobs -r); echo "$(jobs -p | wc -l)"
kill $(jobs -p); wait`;
  const list = '[1]-  Running                 sleep 1 &\n[2]+  Running                 sleep 1 &\n';
  expect(await output(script)).toBe(`${list}${list}${list}2\n`);
});

it('a trace shows the negation of a single test, not of a group', async () => {
  expect(await output('set -x; [[ ! -e /x && ! a == b ]]; [[ ! ( -e /x || -e /y ) ]]')).toBe(
    '+ [[ ! -e /x ]]\n+ [[ ! a == b ]]\n+ [[ -e /x ]]\n+ [[ -e /y ]]\n',
  );
});

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

it('a trace shows arithmetic with the blanks it was written with', async () => {
  const script = 'set -x; (( a++ )); ((a=5)); for (( i = 0 ; i < 1; i++ )); do :; done; for ((;;)); do break; done';
  expect(await output(script)).toBe(
    '+ ((  a++  ))\n+ (( a=5 ))\n+ (( i = 0  ))\n+ (( i < 1 ))\n+ :\n+ (( i++  ))\n+ (( i < 1 ))\n+ (( 1 ))\n+ (( 1 ))\n+ break\n',
  );
});

it('a namespace without a main table has nothing in /proc/net/route; ping takes no negative wait', async () => {
  expect(await output('cat /proc/net/route; ip link set lo up; ping -W -1 -c 1 127.0.0.1; echo $?')).toBe(
    '2\nping: bad linger time: -1\n',
  );
});

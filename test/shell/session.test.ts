/** Sessions: what the lab layer drives. Everything in virtual time. */
import { describe, expect, it } from 'vitest';
import type { Process, Program } from '../../src/uapi/process.ts';
import { folderOf, openSession, runScript } from '../support/machine.ts';

const LIMITS = { events: 100_000, time: 1e12, spins: 50_000, processes: 100, bytes: 1_000_000 };

/** A program that prints a line every second until a signal, as a capture does. */
const ticker: Program = async (process: Process) => {
  let stop = false;
  process.onSignal('INT', () => {
    stop = true;
  });
  for (let n = 1; !stop; n++) {
    process.stdout.write(`tick ${n}\n`);
    await process.sleep(1e9);
  }
  process.stdout.write('bye\n');
  return 0;
};
const programs = new Map<string, Program>([['ticker', ticker]]);

describe('a session', () => {
  it('keeps variables, directory, functions and jobs from one command to the next', async () => {
    const { session, output } = openSession();
    await session.command('x=5; cd /tmp; f() { echo "f $x $PWD"; }; sleep 3 && echo late &');
    expect(session.cwd).toBe('/tmp');
    await session.command('f; jobs');
    expect(output.stdout).toBe('f 5 /tmp\n[1]+  Running                 sleep 3 && echo late &\n');
    await session.advance(2.9e9);
    expect(output.stdout).not.toMatch(/^late$/m);
    await session.advance(0.2e9);
    expect(output.stdout).toMatch(/^late$/m);
    expect((await session.command('false')).status).toBe(1);
    expect((await session.command('nosuch')).status).toBe(127);
    expect(output.stderr).toBe('bash: line 1: nosuch: command not found\n');
    expect(session.variable('x')).toBe('5');
    expect(session.commandNames()).toEqual(expect.arrayContaining(['f', 'cd', 'sleep', 'grep']));
    expect(session.variableNames()).toEqual(expect.arrayContaining(['x', 'PATH']));
    await session.close();
  });

  it('interrupts what runs in the foreground, and goes on', async () => {
    const { session, output, machine } = openSession({ programs });
    machine.queue.after(2.5e9, 'Ctrl-C', () => session.signal('INT'));
    const ticked = await session.command('ticker; echo "status $?"');
    expect(output.stdout).toBe('tick 1\ntick 2\ntick 3\nbye\nstatus 0\n');
    expect(ticked.stopped).toBeUndefined();
    machine.queue.after(1e9, 'Ctrl-C', () => session.signal('INT'));
    await session.command('sleep 100');
    expect(machine.queue.now).toBeLessThan(10e9);
    await session.command('echo alive');
    expect(output.stdout).toMatch(/alive\n$/);
    machine.queue.after(1e9, 'Ctrl-C', () => session.signal('INT'));
    expect((await session.run('trap "echo trapped" INT; sleep 5; echo after $?')).status).toBe(0);
    expect(output.stdout).toMatch(/trapped\nafter 130\n$/);
    await session.close();
  });

  it('loses at its end what killed processes had not flushed, as the end of a PID namespace does', async () => {
    const buffered: Program = async (process) => {
      process.stdout.write('never seen\n');
      await process.sleep(1e12);
      return 0;
    };
    const { stdout, status, seconds } = await runScript('buffered & ticker | cat & sleep 2.5; echo done', {
      programs: new Map([...programs, ['buffered', buffered]]),
    });
    expect(stdout).toBe('done\n');
    expect(status).toBe(0);
    expect(seconds).toBeLessThan(3);
  });

  it('shows the folder of the lab, keeps writes in memory, and lists them', async () => {
    const { session, output } = openSession({
      folder: { path: '/home/lab', source: folderOf({ 'lib.sh': 'hello() { echo "hello $1"; }\n', data: 'a\nb\n' }) },
    });
    await session.run('source ./lib.sh; hello lab; wc -l < data; echo c >> data; echo new > out.txt; rm lib.sh; ls', {
      name: 'x.sh',
    });
    expect(output.both).toBe('hello lab\n2\ndata\nout.txt\n');
    const written = session.writtenFiles().map(({ path, data }) => [path, new TextDecoder().decode(data)]);
    expect(written).toEqual([
      ['/home/lab/data', 'a\nb\nc\n'],
      ['/home/lab/out.txt', 'new\n'],
    ]);
    await session.close();
  });

  it('gives the same output for the same seed', async () => {
    const script = 'echo $RANDOM $(mktemp -u); for i in 3 1 2; do (sleep 0.$i; echo $i $RANDOM) & done; wait; date +%N';
    const first = await runScript(script);
    const second = await runScript(script);
    expect(first.stdout).toBe(second.stdout);
    expect(first.stdout).toMatch(/\n1 \d+\n2 \d+\n3 \d+\n\d{9}\n$/);
  });

  it('reads standard input that the host types while it runs', async () => {
    const { session, output } = openSession({ stdin: 'host' });
    const running = session.run('read a; echo "got $a"; cat; echo end');
    await Promise.resolve();
    session.type('one\ntwo\n');
    session.type('three\n');
    session.endInput();
    await running;
    expect(output.stdout).toBe('got one\ntwo\nthree\nend\n');
    await session.close();
  });

  it('follows a real clock when it is given one', async () => {
    let real = 0;
    const pace = {
      now: () => real,
      wait: async (ns: number) => {
        real += ns;
      },
    };
    const { session, machine } = openSession({ pace });
    await session.run('sleep 2');
    expect(real).toBeGreaterThanOrEqual(2e9);
    expect(Math.abs(real - machine.queue.now)).toBeLessThan(50e6);
    await session.close();
  });
});

describe('a budget', () => {
  it.each([
    ['events', 'ticker >/dev/null', /100000 events passed without an end: frames circulate/],
    ['time', 'echo before; sleep 2000; echo after', /1000 s of virtual time/],
    ['spins', 'echo before; while :; do :; done', /shell commands were run/],
    ['processes', 'echo before; f() { f | f & }; f; sleep 1000', /processes are alive at once/],
    ['bytes', 'echo before; yes > /tmp/big', /files hold more than/],
    ['deadlock', 'echo before; mkfifo /tmp/f; cat /tmp/f; echo after', /every process waits/],
  ])('of %s ends a run that has no end, and says why', async (reason, script, message) => {
    const limits = reason === 'events' ? { ...LIMITS, time: 1e18 } : LIMITS;
    const { session, output } = openSession({
      programs,
      limits,
      diagnose: () => 'frames circulate between br0 and br1',
    });
    const { status, stopped } = await session.run(script, { name: 'x.sh' });
    expect(stopped?.reason).toBe(reason);
    expect(stopped?.message).toMatch(message);
    expect(status).not.toBe(0);
    expect(output.stdout).toBe(reason === 'events' ? '' : 'before\n');
    expect((await session.command('echo more')).stopped).toEqual(stopped);
    await session.close();
  });
});

describe('processes', () => {
  it('stream through pipes in virtual time', async () => {
    const { stdout, seconds } = await runScript(
      'ticker | while read -r l; do echo "$(date +%s) $l"; done & sleep 0.5; stdbuf -oL ticker | grep --line-buffered -m1 "tick 3"; echo "at $SECONDS"',
      { programs },
    );
    expect(stdout).toMatch(/^tick 3\nat [23]\n$/);
    expect(seconds).toBeLessThan(4);
  });

  it('hold a network namespace as long as they, or a mount, need it', async () => {
    const { session, machine, output } = openSession();
    await session.run('readlink /proc/self/ns/net; unshare -n sleep 5 & sleep 1; readlink /proc/$!/ns/net');
    expect(output.stdout).toBe('net:[4026531840]\nnet:[4026531841]\n');
    expect(machine.holders.has(4026531841)).toBe(true);
    await session.advance(5e9);
    expect(machine.holders.has(4026531841)).toBe(false);
    await session.run(
      'mkdir -p /run/netns; touch /run/netns/a; unshare --net=/run/netns/a true; umount /run/netns/a; rm /run/netns/a',
    );
    expect(machine.holders.size).toBe(1);
    await session.close();
    expect(output.stderr).toBe('');
  });

  it('end with what a bug of ours throws', async () => {
    const broken: Program = async () => {
      throw new Error('a bug');
    };
    await expect(runScript('broken', { programs: new Map([['broken', broken]]) })).rejects.toThrow('a bug');
  });
});

/** The library, by the examples of its documentation. */
import { expect, test } from 'vitest';
import { FilterSyntaxError, NotFoundError, StoppedError, Twin } from '../../src/lab/twin.ts';

const CABLE = `
ip link set lo up
ip netns add b
ip link add a0 address 02:00:00:00:00:01 type veth peer name b0 address 02:00:00:00:00:02
ip link set b0 netns b
ip addr add 10.0.0.1/24 dev a0; ip link set a0 up
ip -n b addr add 10.0.0.2/24 dev b0; ip -n b link set b0 up
`;

async function cable(options: ConstructorParameters<typeof Twin>[0] = {}) {
  const twin = new Twin(options);
  await twin.run('sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1');
  await twin.script(CABLE);
  return twin;
}

test('commands run in one lasting shell and give output and status', async () => {
  const twin = new Twin({ seed: 1 });
  await twin.run('ip link add a0 type veth peer name b0; x=5; cd /tmp');
  const { stdout, status } = await twin.run('ip -br link show a0');
  expect(stdout).toMatch(/^a0@b0 {12}DOWN {11}([0-9a-f]{2}:){5}[0-9a-f]{2} <BROADCAST,MULTICAST,M-DOWN> \n$/);
  expect(status).toBe(0);
  expect(await twin.run('echo $x; pwd; echo oops >&2; false')).toEqual({
    stdout: '5\n/tmp\n',
    stderr: 'oops\n',
    output: '5\n/tmp\noops\n',
    status: 1,
  });
});

test('background jobs go on from call to call, and only while a call waits', async () => {
  const twin = await cable();
  await twin.run('ping -c 1 10.0.0.9 > /tmp/out & job=$!');
  const before = twin.now;
  expect(twin.readFile('/tmp/out')?.length ?? 0).toBe(0);
  expect(twin.now).toBe(before);
  await twin.advance(5);
  expect(twin.now).toBeGreaterThanOrEqual(before + 5e9);
  expect((await twin.run('wait $job; echo $?')).stdout).toBe('1\n');
  expect(new TextDecoder().decode(twin.readFile('/tmp/out'))).toContain('Destination Host Unreachable');
});

test('a script has a bash of its own, with its name and arguments', async () => {
  const twin = new Twin();
  expect(await twin.script('echo "$0: $1"; x=1; exit 4', { name: 'a.sh', args: ['one'] })).toMatchObject({
    stdout: 'a.sh: one\n',
    status: 4,
  });
  expect((await twin.run('echo "[$x]"')).stdout).toBe('[]\n');
});

test('a capture hears frames as they pass, tags and directions included', async () => {
  const twin = await cable();
  await twin.run('ip link add link a0 name a0.7 type vlan id 7; ip link set a0.7 up; ip addr add 10.7.0.1/24 dev a0.7');
  const arp = twin.capture('b0', { netns: 'b', filter: 'arp' });
  const all = twin.capture('a0');
  await twin.run('ping -c 1 10.0.0.2; ping -c 1 -W 1 10.7.0.2');
  expect(arp.lines()).toEqual([
    'ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28',
    'ARP, Reply 10.0.0.2 is-at 02:00:00:00:00:02, length 28',
  ]);
  expect(all.frames.slice(0, 4).map((frame) => frame.direction)).toEqual(['out', 'in', 'out', 'in']);
  expect(all.lines({ e: 1 }).at(-1)).toBe(
    '02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype 802.1Q (0x8100), length 46: vlan 7, p 0, ethertype ARP (0x0806), Request who-has 10.7.0.2 tell 10.7.0.1, length 28',
  );
  const count = all.frames.length;
  all.stop();
  await twin.run('ping -c 1 10.0.0.2');
  expect(all.frames.length).toBe(count);
  expect(() => twin.capture('b0')).toThrow(NotFoundError);
  expect(() => twin.capture('a0', { filter: 'hots 1.2.3.4' })).toThrow(FilterSyntaxError);
});

test('devices, addresses, neighbours, routes and tables can be looked at', async () => {
  const twin = await cable();
  await twin.run('ping -c 1 10.0.0.2; iptables -A INPUT -p icmp -j DROP');
  expect(twin.namespaces()).toEqual(['b']);
  const host = twin.namespace();
  expect(host.links().map((link) => link.ifname)).toEqual(['lo', 'a0']);
  expect(host.link('a0')).toMatchObject({ kind: 'veth', address: 0x020000000001, mtu: 1500 });
  expect(host.neighbours('a0')).toMatchObject([{ dst: 0x0a000002, lladdr: 0x020000000002 }]);
  expect(host.routes()).toMatchObject([{ dst: 0x0a000000, dstLen: 24 }]);
  expect(host.chains('filter')).toMatchObject([{ name: 'INPUT', policy: 'ACCEPT', rules: [{ proto: 1 }] }]);
  expect(host.chains('filter', 'legacy')).toEqual([]);
  expect(host.file('/proc/sys/net/ipv4/ip_forward')).toBe('0');
  expect(twin.namespace('b').addresses('b0')).toMatchObject([{ local: 0x0a000002, prefixlen: 24 }]);
  expect(() => twin.namespace('nowhere')).toThrow(NotFoundError);
});

test('the trace tells every step of every frame, and why a frame ended', async () => {
  const twin = await cable();
  await twin.run('ping -c 1 10.0.0.2');
  twin.setTrace('on');
  await twin.run('ip netns exec b iptables -A INPUT -p icmp -j DROP; ping -c 1 -W 1 10.0.0.2');
  twin.setTrace('off');
  const steps = twin.trace();
  const request = steps.find((step) => step.step === 'xmit' && step.dev === 'a0')!.frame;
  const journey = steps.filter((step) => step.frame === request);
  expect(journey.map((step) => step.step)).toContain('hook');
  expect(journey.at(-1)).toMatchObject({
    step: 'end',
    reason: 'SKB_DROP_REASON_NETFILTER_DROP',
    netns: 'b',
    dev: 'b0',
  });
  await twin.run('ping -c 1 -W 1 10.0.0.2');
  expect(twin.trace().length).toBe(steps.length);
});

test('the same seed gives the same bytes, another seed other random ones', async () => {
  const run = async (seed: number) => {
    const twin = new Twin({ seed, captures: true });
    const { output } = await twin.script(
      `${CABLE.replaceAll(/ address 02:[0-9:]*/g, '')}\nping -c 2 10.0.0.2; ip link; echo $RANDOM; date +%N`,
    );
    return { output, captures: twin.captures().map(({ name, data }) => [name, Array.from(data)]) };
  };
  const [first, again, other] = [await run(1), await run(1), await run(2)];
  expect(again).toEqual(first);
  expect(other.output).not.toBe(first.output);
  expect(first.captures.map(([name]) => name)).toEqual(['a0.pcapng', 'b-b0.pcapng']);
});

test('a capture has a frame of the loopback device once, as tcpdump shows it', async () => {
  const twin = new Twin({ captures: true });
  await twin.run('ip link set lo up; ping -q -c 1 127.0.0.1');
  const [capture] = twin.captures();
  expect(capture?.name).toBe('lo.pcapng');
  twin.writeFile('/tmp/lo.pcapng', capture!.data);
  const { stdout } = await twin.run('tcpdump -nr /tmp/lo.pcapng -t 2> /dev/null');
  expect(stdout.replaceAll(/id \d+/g, 'id N').split('\n')).toEqual([
    'IP 127.0.0.1 > 127.0.0.1: ICMP echo request, id N, seq 1, length 64',
    'IP 127.0.0.1 > 127.0.0.1: ICMP echo reply, id N, seq 1, length 64',
    '',
  ]);
});

test('files are given, written and read', async () => {
  const twin = new Twin({ files: { '/lab/lib.sh': 'greet() { echo "hello $1"; }\n' } });
  expect((await twin.run('source /lab/lib.sh; greet you | tee /tmp/x')).stdout).toBe('hello you\n');
  twin.writeFile('/deep/er/file', 'text');
  expect((await twin.run('cat /deep/er/file')).stdout).toBe('text');
  expect(twin.readFile('/tmp/x')).toEqual(new TextEncoder().encode('hello you\n'));
  expect(twin.readFile('/nothing')).toBeUndefined();
});

test('a twin that was stopped says why, and runs nothing more', async () => {
  const twin = new Twin({ limits: { time: 1e9 } });
  await twin.run('sleep 5');
  expect(twin.stopped?.message).toBe('1 s of virtual time passed without an end');
  await expect(twin.run('true')).rejects.toThrow(StoppedError);
  await twin.close();
});

test('output comes while a command runs', async () => {
  const seen: string[] = [];
  const twin = new Twin({ onOutput: (stream, data) => seen.push(`${stream} ${new TextDecoder().decode(data)}`) });
  await twin.run('echo a; sleep 1; echo b >&2');
  expect(seen).toEqual(['stdout a\n', 'stderr b\n']);
});

test('Ctrl-C ends the command in the foreground, not the shell', async () => {
  const twin: Twin = new Twin({ onOutput: () => twin.interrupt() });
  const { status } = await twin.run('(sleep 1; echo now) & sleep 1000');
  expect(status).toBe(130);
  expect(twin.now).toBeLessThan(2e9);
  expect((await twin.run('echo $?')).stdout).toBe('130\n');
  await twin.close();
});

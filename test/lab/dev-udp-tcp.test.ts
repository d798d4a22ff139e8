/** bash's /dev/udp and /dev/tcp between three hosts: bash 5.2.15 on Linux 6.18 (addresses of its random ports masked). */
import { expect, it } from 'vitest';
import { Twin } from '../../src/lab/twin.ts';

const HOSTS = `for n in a b c; do ip netns add $n; done
ip link add a0 netns a type veth peer name b0 netns b; ip link add b1 netns b type veth peer name c0 netns c
addr() { ip -n $1 addr add $3 dev $2; ip -n $1 link set $2 up; }
addr a a0 10.0.0.1/24; addr b b0 10.0.0.2/24; addr b b1 10.1.0.1/24; addr c c0 10.1.0.2/24
ip -n a route add default via 10.0.0.2; ip -n c route add default via 10.1.0.1
ip netns exec b sysctl -qw net.ipv4.ip_forward=1
ip netns exec b tcpdump -Z root -lnnti b0 'udp or tcp or icmp' >/tmp/seen 2>/dev/null & sleep 0.5
`;
const SEEN = `sleep 0.2; kill %1; sed -E '/^$/d; s/0\\.1\\.[0-9]{5}/0.1.P/; s/seq [0-9]+/seq S/; s/ack [0-9]+/ack A/; s/TS val [0-9]+/TS val T/' /tmp/seen`;

async function output(inA: string, before = ''): Promise<string> {
  const twin = new Twin();
  const { stdout, stderr } = await twin.run(`${HOSTS}${before}\nip netns exec a bash <<'IN' 2>&1\n${inA}\nIN\n${SEEN}`);
  await twin.close();
  return stdout + stderr;
}

it('/dev/udp sends a datagram for each line of a builtin and each write of a program; errors come back', async () => {
  const text = await output(`printf '%s\\n' a b c > /dev/udp/10.0.0.2/9
seq 3 > /dev/udp/10.1.0.2/11; echo $?
exec 3<>/dev/udp/10.0.0.2/53; echo -n x >&3; read -t 0.1 -u 3; read -t 0.1 -u 3 || echo "read $?"
echo y > /dev/udp/255.255.255.255/9; echo $?
ip link set lo up; echo z > /dev/udp/localhost/domain && echo sent
echo z > /dev/udp/nohost/nosuch; echo $?`);
  expect(text).toBe(`bash: line 1: printf: write error: Connection refused
0
read 142
bash: connect: Permission denied
bash: line 4: /dev/udp/255.255.255.255/9: Permission denied
1
sent
bash: line 6: nosuch: Servname not supported for ai_socktype
bash: line 6: /dev/udp/nohost/nosuch: Invalid argument
1
IP 10.0.0.1.P > 10.0.0.2.9: UDP, length 2
IP 10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 udp port 9 unreachable, length 38
IP 10.0.0.1.P > 10.1.0.2.11: UDP, length 6
IP 10.1.0.2 > 10.0.0.1: ICMP 10.1.0.2 udp port 11 unreachable, length 42
IP 10.0.0.1.P > 10.0.0.2.53: domain [length 1 < 12] (invalid)
IP 10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 udp port 53 unreachable, length 37
`);
});

it('/dev/tcp is refused by resets and ICMP errors, and waits where nothing comes back', async () => {
  const rules = [
    '--dport 443 -j DROP',
    '--dport 444 -j REJECT',
    '--dport 445 -j REJECT --reject-with icmp-host-prohibited',
  ];
  const before = rules.map((rule) => `ip netns exec b iptables -A FORWARD -p tcp ${rule}`).join('\n');
  const text = await output(
    `for port in 80 443 444 445; do timeout 1.5 bash -c ": > /dev/tcp/10.1.0.2/$port"; echo "$port $?"; done
time=$(date +%s); : > /dev/tcp/10.1.0.2/443; echo "$? after $(( $(date +%s) - time )) s"`,
    before,
  );
  const syn = (port: number) =>
    `IP 10.0.0.1.P > 10.1.0.2.${port}: Flags [S], seq S, win 64240, options [mss 1460,sackOK,TS val T ecr 0,nop,wscale 10], length 0\n`;
  const refused = (port: number, why: string) =>
    `bash: connect: ${why}\nbash: line 1: /dev/tcp/10.1.0.2/${port}: ${why}\n${port} 1\n`;
  const rejected = (why: string) => `IP 10.0.0.2 > 10.0.0.1: ICMP ${why}, length 68\n`;
  // The error to the first segment finds the socket in use by connect(): only the second one ends it.
  const soft = (port: number, why: string) => `${syn(port)}${rejected(why)}`.repeat(2);
  expect(text).toBe(
    `${refused(80, 'Connection refused')}443 124\n${refused(444, 'Connection refused')}${refused(445, 'No route to host')}` +
      'bash: connect: Connection timed out\nbash: line 2: /dev/tcp/10.1.0.2/443: Connection timed out\n1 after 131 s\n' +
      `${syn(80)}IP 10.1.0.2.80 > 10.0.0.1.P: Flags [R.], seq S, ack A, win 0, length 0\n${syn(443).repeat(2)}` +
      `${soft(444, '10.1.0.2 tcp port 444 unreachable')}${soft(445, 'host 10.1.0.2 unreachable - admin prohibited')}` +
      syn(443).repeat(11),
  );
});

it('tcpdump 4.99.3 says what text at the ports of syslog, AFS and DNS looks like to it', async () => {
  const text = await output(
    `for port in 514 7000 53; do for text in hello '<13>su: no tty' '<13'; do
echo "$text" > /dev/udp/10.0.0.1/$port; done; done 2>/dev/null; sleep 1.5
tcpdump -nnt -r /tmp/text 2>/dev/null | sed -E 's/.*1[.]([0-9]+: )/\\1/'
tcpdump -nnv -r /tmp/text -c 2 2>/dev/null | tail -2`,
    `ip -n a link set lo up; ip netns exec a tcpdump -Z root -Uni lo -w /tmp/text udp 2>/dev/null & sleep 0.5`,
  );
  expect(text).toBe(`514:  (invalid)
514: SYSLOG user.notice, length: 15
514:  (invalid)
7000:  [|rx] (6)
7000:  [|rx] (15)
7000:  [|rx] (4)
53: domain [length 6 < 12] (invalid)
53: 15409 op6+% [b2&3=0x333e] [14880a] [29557q] [28271n] [8308au] [|domain]
53: domain [length 4 < 12] (invalid)
\tFacility user (1), Severity notice (5)
\tMsg: su: no tty^J
`);
});

// The labs of the benchmarks, as the text that a shell runs.
const numbers = (count) => Array.from({ length: count }, (_, i) => i + 1);
const subnet = (i) => `10.${i >> 8}.${i & 255}`;

/** A veth to put macvlans on. */
export const PARENT = 'ip link add p0 type veth peer name p1\nip link set p0 up\nip link set p1 up\n';

/** The commands of `ip` for each namespace in the two labs below. */
export const COMMANDS_EACH = 5;

/** `count` namespaces, each with a macvlan, an address, up, and a route: by `ip -batch`. */
export function batchText(count) {
  const make = (i) => `netns add ns${i}\nlink add link p0 name eth0 netns ns${i} type macvlan mode bridge\n`;
  const fill = (i) => {
    const lines = [
      `address add ${subnet(i)}.2/24 dev eth0`,
      'link set eth0 up',
      `route add default via ${subnet(i)}.1`,
    ];
    return `ip -n ns${i} -batch - <<EOF\n${lines.join('\n')}\nEOF\n`;
  };
  return `ip -batch - <<EOF\n${numbers(count).map(make).join('')}EOF\n${numbers(count).map(fill).join('')}`;
}

/** The same, with one `ip` for each command, in a loop of the shell. */
export function loopText(count) {
  return `for ((i = 1; i <= ${count}; i++)); do
  net=10.$((i >> 8)).$((i & 255))
  ip netns add ns$i
  ip link add link p0 name eth0 netns ns$i type macvlan mode bridge
  ip -n ns$i address add $net.2/24 dev eth0
  ip -n ns$i link set eth0 up
  ip -n ns$i route add default via $net.1
done
`;
}

/** The end of the namespaces of either, and a second in which the kernel cleans up. */
export function tearDownText(count) {
  return `ip -batch - <<EOF\n${numbers(count)
    .map((i) => `netns delete ns${i}\n`)
    .join('')}EOF\nsleep 1\n`;
}

/** `count` hosts on a bridge, and a ping from each to each other. */
export function matrixText(count) {
  return `ip link add br0 type bridge
ip link set br0 up
for ((i = 1; i <= ${count}; i++)); do
  ip netns add h$i
  ip link add eth0 netns h$i type veth peer name p$i
  ip link set p$i master br0 up
  ip -n h$i address add 10.0.0.$i/24 dev eth0
  ip -n h$i link set eth0 up
done
sleep 1
for ((i = 1; i <= ${count}; i++)); do
  for ((j = 1; j <= ${count}; j++)); do
    if [ $i != $j ]; then ip netns exec h$i ping -c 1 -W 1 10.0.0.$j > /dev/null 2>&1 && echo $i $j; fi
  done
done
`;
}

/** `count` interfaces of one kind: what they are, and the text of them. */
export const INTERFACES = {
  macvlan: (count) =>
    `${PARENT}ip -batch - <<EOF\n${numbers(count)
      .map((i) => `link add m${i} link p0 type macvlan mode bridge\nlink set m${i} up\n`)
      .join('')}EOF\n`,
  'veth pair': (count) =>
    `ip -batch - <<EOF\n${numbers(count)
      .map((i) => `link add a${i} type veth peer name b${i}\nlink set a${i} up\nlink set b${i} up\n`)
      .join('')}EOF\n`,
  'veth pair, one end a port of a bridge': (count) =>
    `ip link add br0 type bridge\nip link set br0 up\nip -batch - <<EOF\n${numbers(count)
      .map((i) => `link add a${i} type veth peer name b${i}\nlink set a${i} up\nlink set b${i} master br0 up\n`)
      .join('')}EOF\n`,
};

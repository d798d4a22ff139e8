import { expect, test } from 'vitest';
import { complete } from '../../src/cli/complete.ts';

const candidates = {
  commands: ['ip', 'iptables', 'ping', 'if', 'cat'],
  interfaces: ['lo', 'veth1', 'veth1_br'],
  namespaces: ['ns1', 'ns2'],
  files: (folder: string) =>
    folder === '.'
      ? [
          { name: 'lab.sh', directory: false },
          { name: 'lib', directory: true },
          { name: '.hidden', directory: false },
        ]
      : folder === 'lib/'
        ? [{ name: 'topology.sh', directory: false }]
        : [],
};

test.each([
  ['i', ['if ', 'ip ', 'iptables '], 'i'],
  ['ip netns exec n', ['ns1 ', 'ns2 '], 'n'],
  ['ip netns exec ns1 pi', ['ping '], 'pi'],
  ['ip link set veth1', ['veth1 ', 'veth1_br '], 'veth1'],
  ['echo x | ca', ['cat '], 'ca'],
  ['source l', ['lab.sh ', 'lib/', 'lo '], 'l'],
  ['ip link show dev l', ['lo '], 'l'],
  ['tcpdump -r l', ['lab.sh ', 'lib/', 'lo '], 'l'],
  ['source lib/t', ['lib/topology.sh '], 'lib/t'],
  ['if true; then p', ['ping '], 'p'],
])('%j is completed by %j', (line, names, word) => {
  expect(complete(line, candidates)).toEqual([names, word]);
});

/** The trie of prefixes against a plain list of them. */
import { describe, expect, it } from 'vitest';
import type { FibAlias } from '../../../src/kernel/ipv4/fib.ts';
import { FibTrie } from '../../../src/kernel/ipv4/fib-trie.ts';
import { Random } from '../../../src/sim/random.ts';
import { formatIpv4, maskOf, parseIpv4 } from '../../../src/wire/addr.ts';

const ipv4 = (address: string) => parseIpv4(address)!;
const route = (key: number, plen: number, tos = 0) => ({ key, plen, tos }) as FibAlias;
const text = ({ key, plen, tos }: FibAlias) => `${formatIpv4(key)}/${plen}${tos === 0 ? '' : ` tos ${tos}`}`;
const at = (prefix: string, tos = 0) => {
  const [address, plen] = prefix.split('/');
  return route(ipv4(address!), Number(plen), tos);
};

/** Prefixes with routes that hold an address, the longest first. */
function found(trie: FibTrie, address: number): string[] {
  const names: string[] = [];
  for (let node = trie.longest(address); node !== undefined; node = node.parent) names.push(...node.aliases.map(text));
  return names;
}

function remove(trie: FibTrie, { key, plen }: FibAlias): void {
  trie.aliases(key, plen)!.length = 0;
  trie.prune(key, plen);
}

describe('the trie of a routing table', () => {
  it('finds the longest prefix first, then the shorter ones that hold the address', () => {
    const trie = new FibTrie();
    for (const prefix of ['10.1.0.0/16', '0.0.0.0/0', '10.1.2.3/32', '10.0.0.0/8', '10.1.2.0/24', '10.1.3.0/24']) {
      trie.insert(at(prefix), 0);
    }
    expect(found(trie, ipv4('10.1.2.3'))).toEqual([
      '10.1.2.3/32',
      '10.1.2.0/24',
      '10.1.0.0/16',
      '10.0.0.0/8',
      '0.0.0.0/0',
    ]);
    expect(found(trie, ipv4('10.1.3.255'))).toEqual(['10.1.3.0/24', '10.1.0.0/16', '10.0.0.0/8', '0.0.0.0/0']);
    expect(found(trie, ipv4('192.168.0.1'))).toEqual(['0.0.0.0/0']);
  });

  it('keeps the routes of a prefix in the order in which they were put', () => {
    const trie = new FibTrie();
    trie.insert(at('10.0.0.0/8', 4), 0);
    trie.insert(at('10.0.0.0/8', 16), 0);
    trie.insert(at('10.0.0.0/8', 8), 1);
    expect(found(trie, ipv4('10.9.9.9'))).toEqual(['10.0.0.0/8 tos 16', '10.0.0.0/8 tos 8', '10.0.0.0/8 tos 4']);
  });

  it('lists prefixes upwards, the longer one of two with the same address first', () => {
    const trie = new FibTrie();
    for (const prefix of ['224.0.0.0/4', '10.0.0.0/8', '0.0.0.0/0', '10.0.0.0/24', '10.0.0.0/32', '9.0.0.0/8']) {
      trie.insert(at(prefix), 0);
    }
    expect(trie.all().map(text)).toEqual([
      '0.0.0.0/0',
      '9.0.0.0/8',
      '10.0.0.0/32',
      '10.0.0.0/24',
      '10.0.0.0/8',
      '224.0.0.0/4',
    ]);
  });

  it('agrees with a list of prefixes while they come and go', () => {
    const random = new Random(7);
    const trie = new FibTrie();
    const list = new Map<string, FibAlias>();
    // Few bits differ, so that many prefixes hold others.
    const address = () => ((random.below(8) << 29) | (random.below(4) << 14) | random.below(16)) >>> 0;
    for (let step = 0; step < 3000; step++) {
      const plen = random.below(33);
      const alias = route((address() & maskOf(plen)) >>> 0, plen);
      const known = list.get(text(alias));
      if (known === undefined) trie.insert(alias, 0);
      else remove(trie, known);
      if (known === undefined) list.set(text(alias), alias);
      else list.delete(text(alias));

      const wanted = address();
      const holding = [...list.values()]
        .filter(({ key, plen: length }) => ((key ^ wanted) & maskOf(length)) === 0)
        .sort((a, b) => b.plen - a.plen);
      expect(found(trie, wanted)).toEqual(holding.map(text));
      expect(trie.all().length).toBe(list.size);
    }
    for (const alias of list.values()) remove(trie, alias);
    expect(trie.longest(ipv4('10.0.0.1'))).toBeUndefined();
  });
});

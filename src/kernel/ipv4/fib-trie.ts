/** Prefixes of a routing table: a binary trie without the nodes at which nothing parts or ends. */
import { type Ipv4, maskOf } from '../../wire/addr.ts';
import type { FibAlias } from './fib.ts';

const MASKS: readonly number[] = Array.from({ length: 33 }, (_, plen) => maskOf(plen) | 0);

/** Not changed: the first alias comes with a list of its own. */
const NO_ALIASES: FibAlias[] = [];

/** A prefix that has routes, or at which two that have part. */
export class FibNode {
  /** As a signed number, which V8 can keep in place. */
  declare readonly key: number;
  declare readonly plen: number;
  parent: FibNode | undefined;
  /** Longer prefixes, by the bit behind this one. */
  zero: FibNode | undefined;
  one: FibNode | undefined;
  /** In the order in which they are tried. */
  aliases: FibAlias[] = NO_ALIASES;

  constructor(key: number, plen: number) {
    this.key = key & MASKS[plen]!;
    this.plen = plen;
  }

  holds(key: number): boolean {
    return ((key ^ this.key) & MASKS[this.plen]!) === 0;
  }

  child(key: number): FibNode | undefined {
    return key << this.plen < 0 ? this.one : this.zero;
  }

  adopt(child: FibNode): void {
    if (child.key << this.plen < 0) this.one = child;
    else this.zero = child;
    child.parent = this;
  }
}

/** The local and main tables share one: they are looked up as one until there are rules. */
export class FibTrie {
  private root: FibNode | undefined;

  /** The longest prefix that holds an address; shorter ones are its parents. Not all of them have routes. */
  longest(address: Ipv4): FibNode | undefined {
    const key = address | 0;
    let found: FibNode | undefined;
    let node = this.root;
    while (node?.holds(key)) {
      found = node;
      if (node.plen === 32) break;
      node = node.child(key);
    }
    return found;
  }

  private find(address: Ipv4, plen: number): FibNode | undefined {
    const key = address | 0;
    let node = this.root;
    while (node !== undefined && node.plen < plen && node.holds(key)) node = node.child(key);
    return node?.plen === plen && node.key === key ? node : undefined;
  }

  aliases(key: Ipv4, plen: number): FibAlias[] | undefined {
    return this.find(key, plen)?.aliases;
  }

  /** Put an alias at a place of its prefix's list. */
  insert(alias: FibAlias, at: number): void {
    const node = this.find(alias.key, alias.plen) ?? this.addNode(alias.key | 0, alias.plen);
    // Nearly every prefix has one route: a list that can grow would take several times its memory.
    if (node.aliases.length === 0) node.aliases = [alias];
    else node.aliases.splice(at, 0, alias);
  }

  private addNode(key: number, plen: number): FibNode {
    const added = new FibNode(key, plen);
    let parent: FibNode | undefined;
    let next = this.root;
    while (next !== undefined && next.plen < plen && next.holds(key)) {
      parent = next;
      next = next.child(key);
    }
    let top = added;
    if (next !== undefined) {
      const common = Math.min(Math.clz32(key ^ next.key), plen);
      if (common < plen) {
        top = new FibNode(key, common);
        top.adopt(added);
      }
      top.adopt(next);
    }
    this.hang(top, parent);
    return added;
  }

  private hang(node: FibNode, parent: FibNode | undefined): void {
    node.parent = parent;
    if (parent === undefined) this.root = node;
    else parent.adopt(node);
  }

  /** A list may have become empty. */
  prune(key: Ipv4, plen: number): void {
    let node = this.find(key, plen);
    while (node !== undefined && node.aliases.length === 0) {
      const { parent, zero, one } = node;
      if (zero !== undefined && one !== undefined) return;
      const heir = zero ?? one;
      if (heir !== undefined) this.hang(heir, parent);
      else if (parent === undefined) this.root = undefined;
      else if (parent.zero === node) parent.zero = undefined;
      else parent.one = undefined;
      node = parent;
    }
  }

  /** All aliases: prefixes upwards, shorter ones after longer ones, each list in its order. */
  all(): FibAlias[] {
    const lists: FibAlias[][] = [];
    const nodes = this.root === undefined ? [] : [this.root];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (node.aliases.length > 0) lists.push(node.aliases);
      if (node.one !== undefined) nodes.push(node.one);
      if (node.zero !== undefined) nodes.push(node.zero);
    }
    return lists.sort((a, b) => a[0]!.key - b[0]!.key || b[0]!.plen - a[0]!.plen).flat();
  }
}

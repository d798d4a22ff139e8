/** Primitives that are no address: `broadcast`, `vlan 11`, `less 100`, `llc`, and those of other link types. */
import { and, type Block, not, test } from './block.ts';
import { JSET_K } from './bpf.ts';
import { FilterError } from './error.ts';
import type { Generator } from './generator.ts';
import { broadcastBlock } from './hosts.ts';
import type { Token } from './lexer.ts';
import {
  byteBlock,
  directionBlock,
  greaterBlock,
  ifindexBlock,
  lessBlock,
  mplsBlock,
  multicastBlock,
  pppoeDiscoveryBlock,
  pppoeSessionBlock,
  vlanBlock,
} from './link.ts';
import { isLlc } from './linktypes.ts';
import type { Protocol } from './qualifier.ts';

/** What of the parser these primitives need. */
export interface Operands {
  take(): Token;
  peek(): Token;
  fail(): never;
  /** A number, in parentheses or not, if one comes next. */
  number(): number | undefined;
}

const ATM = 'supported only on raw ATM';
const MTP2 = 'supported only on MTP2';
const SS7 = 'supported only on SS7';
const PF = 'supported only on PF linktype';

/** Words of link types that a twin does not have: libpcap refuses them on Ethernet with these texts. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...['lane', 'metac', 'bcc', 'sc', 'ilmic', 'oam', 'oamf4', 'connectmsg', 'metaconnect'].map(
    (word): [string, string] => [word, `'${word}' ${ATM}`],
  ),
  ['oamf4ec', `'oam4ec' ${ATM}`],
  ['oamf4sc', `'oam4sc' ${ATM}`],
  ...['fisu', 'lssu', 'msu'].map((word): [string, string] => [word, `'${word}' ${MTP2}`]),
  ...['hfisu', 'hlssu', 'hmsu'].map((word): [string, string] => [word, `'${word}' ${MTP2}_HSL`]),
]);

/** The same for words with an operand. */
const ELSEWHERE_WITH_OPERAND: ReadonlyMap<string, string> = new Map([
  ['vpi', `'vpi' ${ATM}`],
  ['vci', `'vci' ${ATM}`],
  ['sio', `'sio' ${SS7}`],
  ['opc', `'opc' ${SS7}`],
  ['dpc', `'dpc' ${SS7}`],
  ['sls', `'sls' ${SS7}`],
  ['hsio', `'sio' ${SS7}`],
  ['hopc', `'opc' ${SS7}`],
  ['hdpc', `'dpc' ${SS7}`],
  ['hsls', `'sls' ${SS7}`],
  ['on', `ifname ${PF}`],
  ['rset', `ruleset ${PF}`],
  ['rnr', `rnr ${PF}`],
  ['srnr', `srnr ${PF}`],
  ['reason', `reason ${PF}`],
  ['action', `action ${PF}`],
  ['type', '802.11 link-layer types supported only on 802.11'],
  ['subtype', '802.11 link-layer types supported only on 802.11'],
  ['dir', 'frame direction supported only with 802.11 headers'],
]);

/** Subtypes of LLC frames: the control field and the mask it is seen through. */
const LLC_TYPES: ReadonlyMap<string, readonly [value: number, mask: number]> = new Map([
  ['s', [0x01, 0x03]],
  ['u', [0x03, 0x03]],
  ['rr', [0x01, 0x0f]],
  ['rnr', [0x05, 0x0f]],
  ['rej', [0x09, 0x0f]],
  ['ui', [0x03, 0xef]],
  ['ua', [0x63, 0xef]],
  ['disc', [0x43, 0xef]],
  ['dm', [0x0f, 0xef]],
  ['sabme', [0x6f, 0xef]],
  ['test', [0xe3, 0xef]],
  ['xid', [0xaf, 0xef]],
  ['frmr', [0x87, 0xef]],
]);

/** The primitive that `word` begins, behind an optional protocol keyword; undefined if it begins none. */
export function otherBlock(
  g: Generator,
  protocol: Protocol | undefined,
  word: string | undefined,
  operands: Operands,
): Block | undefined {
  if (word === 'broadcast' || word === 'multicast') {
    operands.take();
    const of = protocol ?? 'default';
    return word === 'broadcast' ? broadcastBlock(g, of) : multicastBlock(g, of);
  }
  if (word === 'type' || word === 'subtype' || word === 'dir') return elsewhere(word, operands);
  if (protocol !== undefined || word === undefined) return undefined;
  switch (word) {
    case 'less':
      operands.take();
      return lessBlock(plainNumber(operands));
    case 'greater':
      operands.take();
      return greaterBlock(plainNumber(operands));
    case 'byte': {
      operands.take();
      const offset = plainNumber(operands);
      const operator = operands.take();
      if (operator.kind !== 'word' || !['&', '|', '<', '>', '='].includes(operator.word)) return operands.fail();
      return byteBlock(g, operator.word, offset, plainNumber(operands));
    }
    case 'inbound':
    case 'outbound':
      operands.take();
      return directionBlock(g, word === 'outbound');
    case 'ifindex':
      operands.take();
      return ifindexBlock(g, plainNumber(operands));
    case 'vlan':
      operands.take();
      return vlanBlock(g, operands.number());
    case 'mpls':
      operands.take();
      return mplsBlock(g, operands.number());
    case 'pppoed':
      operands.take();
      return pppoeDiscoveryBlock(g);
    case 'pppoes':
      operands.take();
      return pppoeSessionBlock(g, operands.number());
    case 'geneve':
      throw new FilterError("'geneve' is not supported");
    case 'llc':
      operands.take();
      return llcBlock(g, operands);
    default: {
      const text = ELSEWHERE.get(word);
      if (text !== undefined) throw new FilterError(text);
      return elsewhere(word, operands);
    }
  }
}

function plainNumber(operands: Operands): number {
  const token = operands.take();
  return token.kind === 'number' ? token.value : operands.fail();
}

const RELATIONS: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=', '(']);

function elsewhere(word: string, operands: Operands): Block | undefined {
  const text = ELSEWHERE_WITH_OPERAND.get(word);
  if (text === undefined) return undefined;
  operands.take();
  const operand = operands.peek();
  if (operand.kind === 'word' && RELATIONS.has(operand.word) && /SS7$|ATM$/.test(text)) throw new FilterError(text);
  if (operand.kind !== 'number' && operand.kind !== 'id') operands.fail();
  throw new FilterError(text);
}

/** `llc [TYPE]`. */
function llcBlock(g: Generator, operands: Operands): Block {
  const token = operands.peek();
  const isRnr = token.kind === 'word' && token.word === 'rnr';
  if (token.kind !== 'id' && !isRnr) return isLlc(g);
  operands.take();
  const name = token.kind === 'id' ? token.text.toLowerCase() : 'rnr';
  if (name === 'i') return and(isLlc(g), not(test(g.load('llc', 2, 1), JSET_K, 0x01)));
  const type = LLC_TYPES.get(name);
  if (type === undefined) throw new FilterError(`unknown LLC type name "${token.kind === 'id' ? token.text : name}"`);
  return and(isLlc(g), g.equalMasked('llc', 2, 1, type[0], type[1]));
}

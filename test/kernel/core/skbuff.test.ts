/** Bytes that frames share, and who may write them. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../src/kernel/core/kernel.ts';
import {
  consumeSkb,
  copyToHead,
  dropHead,
  holdHead,
  type SkBuff,
  skbClone,
  skbEnsureWritable,
  skbFromBytes,
} from '../../../src/kernel/core/skbuff.ts';

const BYTES = Uint8Array.from({ length: 60 }, (_, i) => i);

/** A received frame: `data` stands behind its Ethernet header. */
function received(): SkBuff {
  const skb = skbFromBytes(new Kernel({ seed: 1 }), BYTES, 'test');
  skb.pull(14);
  skb.networkHeader = skb.data;
  return skb;
}

const bytesOf = ({ bytes, macHeader, tail }: SkBuff) => bytes.slice(macHeader, tail);

describe('a frame that shares its bytes', () => {
  it.each([
    ['a clone', (skb: SkBuff) => skbClone(skb)],
    ['a capture', (skb: SkBuff) => holdHead(skb)],
  ])('with %s gets its own when it is to be written, at the same offsets', (_, share) => {
    const skb = received();
    const { bytes, data, tail, macHeader, networkHeader } = skb;
    share(skb);
    skbEnsureWritable(skb);
    expect(skb.bytes).not.toBe(bytes);
    expect({ ...skb }).toMatchObject({ data, tail, macHeader, networkHeader });
    expect(bytesOf(skb)).toEqual(BYTES);
    skb.bytes[data] = 99;
    expect(bytes[data]).toBe(14);
  });

  it('keeps them when the capture has let go', () => {
    const skb = received();
    const { bytes } = skb;
    dropHead(holdHead(skb));
    skbEnsureWritable(skb);
    expect(skb.bytes).toBe(bytes);
  });

  it('leaves them to the capture when it ends', () => {
    const skb = received();
    const { macHeader, tail } = skb;
    const head = holdHead(skb);
    consumeSkb(skb, 'test');
    const next = received();
    expect(next.bytes).not.toBe(head.bytes);
    expect(head.bytes.slice(macHeader, tail)).toEqual(BYTES);
  });
});

it('a copy of a part of a frame begins at its first byte', () => {
  expect(copyToHead(BYTES, 14, 20).bytes.slice(0, 20)).toEqual(BYTES.slice(14, 34));
});

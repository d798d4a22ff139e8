/** A frame as a tap shows it. */
import type { SkBuff } from '../kernel/core/skbuff.ts';
import { putU16 } from '../wire/addr.ts';

const TAG_OFFSET = 12;
const TAG_LENGTH = 4;

/** The frame's bytes from its link-layer header on, with the VLAN tag that the stack keeps beside it put back. */
export function frameOf(skb: SkBuff, outgoing: boolean): Uint8Array {
  const start = outgoing ? skb.data : skb.macHeader;
  if (skb.vlanTci < 0) return skb.bytes.slice(start, skb.tail);
  const frame = new Uint8Array(skb.tail - start + TAG_LENGTH);
  frame.set(skb.bytes.subarray(start, start + TAG_OFFSET));
  putU16(frame, TAG_OFFSET, skb.vlanProto);
  putU16(frame, TAG_OFFSET + 2, skb.vlanTci);
  frame.set(skb.bytes.subarray(start + TAG_OFFSET, skb.tail), TAG_OFFSET + TAG_LENGTH);
  return frame;
}

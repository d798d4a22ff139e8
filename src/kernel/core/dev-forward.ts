/** Handing a frame from one device to another as if it had come in there (net/core/dev.c dev_forward_skb). */
import { IFF_UP, PACKET_HOST } from '../../uapi/if.ts';
import { ethTypeTrans, isSkbForwardable, netifRx } from './dev-receive.ts';
import { REASON } from './drop-reason.ts';
import type { NetDevice } from './netdevice.ts';
import { kfreeSkbReason, type SkBuff } from './skbuff.ts';

/**
 * Forget what belongs to the sender's side.
 * @kernel net/core/skbuff.c skb_scrub_packet
 */
export function skbScrubPacket(skb: SkBuff, crossesNamespaces: boolean): void {
  skb.pktType = PACKET_HOST;
  skb.skbIif = 0;
  skb.dst = undefined;
  skb.nfct = undefined;
  skb.nfctInfo = 0;
  skb.nfBridge = undefined;
  skb.priority = 0;
  if (crossesNamespaces) {
    skb.mark = 0;
    skb.tstamp = 0;
  }
}

/**
 * Make a frame, whose `data` stands at its link-layer header, into one that `dev` received. False, with
 * the frame freed and the drop counted, when `dev` does not take it.
 * @kernel net/core/dev.c __dev_forward_skb
 */
export function devForwardPrepare(dev: NetDevice, skb: SkBuff): boolean {
  if (!isSkbForwardable(dev, skb.len)) {
    const down = (dev.flags & IFF_UP) === 0;
    dev.stats.rxDropped++;
    kfreeSkbReason(
      skb,
      down ? REASON.DEV_READY : REASON.PKT_TOO_BIG,
      '__dev_forward_skb',
      down ? 'the receiving device is down' : 'longer than the MTU of the receiving device allows',
    );
    return false;
  }
  skbScrubPacket(skb, skb.dev !== undefined && skb.dev.net !== dev.net);
  ethTypeTrans(skb, dev);
  return true;
}

/**
 * Loop a frame back to `dev`; takes it over. Whether it was accepted.
 * @kernel net/core/dev.c dev_forward_skb
 */
export function devForwardSkb(dev: NetDevice, skb: SkBuff): boolean {
  return devForwardPrepare(dev, skb) && netifRx(skb);
}

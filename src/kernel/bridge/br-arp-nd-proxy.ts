/** Answering ARP in place of others: proxy_arp and neigh_suppress (net/bridge/br_arp_nd_proxy.c). */
import { ETH_P_IP, IFF_NOARP } from '../../uapi/if.ts';
import { RT_SCOPE_HOST } from '../../uapi/rtnetlink.ts';
import { type Ipv4, isLoopbackIpv4, isMulticastIpv4, isZeronetIpv4 } from '../../wire/addr.ts';
import {
  ARP_LENGTH,
  ARPOP_REPLY,
  ARPOP_REQUEST,
  ARPOP_RREPLY,
  ARPOP_RREQUEST,
  arpHardwareLength,
  arpOperation,
  arpProtocolLength,
  arpProtocolType,
  arpSenderIp,
  arpSenderMac,
  arpTargetIp,
} from '../../wire/arp.ts';
import { vlanFindDev } from '../8021q/vlan-core.ts';
import { NUD_VALID } from '../core/neighbour-states.ts';
import type { NetDevice } from '../core/netdevice.ts';
import type { SkBuff } from '../core/skbuff.ts';
import { arpSend } from '../ipv4/arp.ts';
import { arpTable } from '../ipv4/arp-table.ts';
import { inDevGet } from '../ipv4/in-device.ts';
import { inetConfirmAddr } from '../ipv4/inet-addr.ts';
import {
  BR_NEIGH_SUPPRESS,
  BR_PROXYARP,
  BR_PROXYARP_WIFI,
  BROPT_NEIGH_SUPPRESS_ENABLED,
  brOptGet,
  brOptToggle,
  CB_PROXYARP_REPLIED,
  type NetBridge,
  type NetBridgePort,
} from './br-private.ts';

/** @kernel net/bridge/br_arp_nd_proxy.c br_recalculate_neigh_suppress_enabled */
export function brRecalculateNeighSuppressEnabled(br: NetBridge): void {
  const on = br.ports.some((p) => (p.flags & BR_NEIGH_SUPPRESS) !== 0);
  brOptToggle(br, BROPT_NEIGH_SUPPRESS_ENABLED, on);
}

/** The address is the bridge's own, or that of a device on it. @kernel net/bridge/br_arp_nd_proxy.c br_is_local_ip */
function isLocalIp(dev: NetDevice, address: Ipv4): boolean {
  const inDev = inDevGet(dev);
  if (inDev !== undefined && inetConfirmAddr(dev.net, inDev, 0, address, RT_SCOPE_HOST) === address) return true;
  return dev.upper.some((upper) => isLocalIp(upper, address));
}

/**
 * Answer an ARP request for a neighbour that the bridge's host knows, if the port or the neighbour's asks for
 * that; note on the frame that ports with suppression need not see it.
 * @kernel net/bridge/br_arp_nd_proxy.c br_do_proxy_suppress_arp
 */
export function brDoProxySuppressArp(skb: SkBuff, br: NetBridge, vid: number, p: NetBridgePort | undefined): void {
  skb.cb &= ~CB_PROXYARP_REPLIED;
  const { dev } = br;
  const { bytes, data: at } = skb;
  if ((dev.flags & IFF_NOARP) !== 0 || skb.len < ARP_LENGTH) return;
  if (arpProtocolType(bytes, at) !== ETH_P_IP || arpHardwareLength(bytes, at) !== 6) return;
  if (arpProtocolLength(bytes, at) !== 4) return;
  const operation = arpOperation(bytes, at);
  const sip = arpSenderIp(bytes, at);
  const tip = arpTargetIp(bytes, at);
  if (isLoopbackIpv4(tip) || isMulticastIpv4(tip)) return;
  const suppress = brOptGet(br, BROPT_NEIGH_SUPPRESS_ENABLED);
  if (suppress) {
    if (p !== undefined && (p.flags & BR_NEIGH_SUPPRESS) !== 0) return;
    if (operation !== ARPOP_RREQUEST && operation !== ARPOP_RREPLY && (isZeronetIpv4(sip) || sip === tip)) {
      skb.cb |= CB_PROXYARP_REPLIED;
      return;
    }
  }
  if (operation !== ARPOP_REQUEST) return;
  if (!suppress && br.ports.every((port) => (port.flags & (BR_PROXYARP | BR_PROXYARP_WIFI)) === 0)) return;
  // The bridge's own host has its address in a VLAN on the VLAN device there.
  const vlandev = vid === 0 ? dev : vlanFindDev(dev, br.vlanProto, vid);
  if (vlandev === undefined) return;
  if (suppress && isLocalIp(vlandev, tip)) {
    skb.cb |= CB_PROXYARP_REPLIED;
    return;
  }
  const neigh = arpTable(skb.kernel).lookup(tip, vlandev);
  if (neigh === undefined || (neigh.state & NUD_VALID) === 0) return;
  const entry = br.fdb.findMac(neigh.ha, vid);
  if (entry === undefined) return;
  const sender = arpSenderMac(bytes, at);
  const asked = p !== undefined && (p.flags & BR_PROXYARP) !== 0;
  const replied = asked || ((entry.dst?.flags ?? 0) & (BR_PROXYARP_WIFI | BR_NEIGH_SUPPRESS)) !== 0;
  if (replied) arpSend(ARPOP_REPLY, sip, skb.dev!, tip, sender, neigh.ha, sender);
  if (replied || suppress) skb.cb |= CB_PROXYARP_REPLIED;
}

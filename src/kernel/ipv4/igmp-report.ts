/** IGMP reports: when they are due, and sending them. */
import { PACKET_BROADCAST, PACKET_MULTICAST } from '../../uapi/if.ts';
import { JIFFY, timerExpiry } from '../../uapi/jiffies.ts';
import { type Ipv4, putIpv4, putU16 } from '../../wire/addr.ts';
import { checksum } from '../../wire/checksum.ts';
import {
  IGMP_HEADER_LENGTH,
  IGMP_HOST_LEAVE_MESSAGE,
  IGMP_HOST_MEMBERSHIP_QUERY,
  IGMP_HOST_MEMBERSHIP_REPORT,
  IGMPV2_HOST_MEMBERSHIP_REPORT,
  IGMPV3_CHANGE_TO_EXCLUDE,
  IGMPV3_CHANGE_TO_INCLUDE,
  IGMPV3_MODE_IS_EXCLUDE,
  IGMPV3_QUERY_LENGTH,
  IGMPV3_RECORD_LENGTH,
  igmpCode,
  igmpGroup,
  igmpv3Time,
  putIgmp,
  putIgmpChecksum,
  putIgmpv3Record,
  putIgmpv3ReportHeader,
} from '../../wire/igmp.ts';
import { IP_DF, IPOPT_RA, IPPROTO_IGMP } from '../../wire/ipv4.ts';
import { REASON } from '../core/drop-reason.ts';
import { allocSkb, CHECKSUM_UNNECESSARY, consumeSkb, kfreeSkbReason, type SkBuff, skbPut } from '../core/skbuff.ts';
import {
  FORCE_IGMP_VERSION,
  IGMPV2_UNSOLICITED_REPORT_INTERVAL,
  IGMPV3_UNSOLICITED_REPORT_INTERVAL,
} from './devconf.ts';
import { Flowi4 } from './fib.ts';
import { isLocalMulticast } from './fib-lookup.ts';
import { type InDevice, inDevGet } from './in-device.ts';
import { ipLocalOut } from './ip-local-out.ts';
import { IGMP_ALL_HOSTS, type IpMcList } from './ip-mc-list.ts';
import { ipRouteOutputKey } from './route-output.ts';
import { skbRtable } from './rtable.ts';

const SECOND = 1e9;
const IGMP_ALL_ROUTER: Ipv4 = 0xe000_0002;
const IGMPV3_ALL_MCR: Ipv4 = 0xe000_0016;
const QUERY_RESPONSE_INTERVAL = 10 * SECOND;
/** In seconds. */
const QUERY_INTERVAL = 125;
/** The IP header with the router alert option. */
const HEADER = 24;

function v1Seen(inDev: InDevice): boolean {
  const { ipv4, mc } = inDev;
  const forced = ipv4.devconfAll.data[FORCE_IGMP_VERSION] === 1 || inDev.conf(FORCE_IGMP_VERSION) === 1;
  return forced || (mc.v1Seen !== 0 && ipv4.kernel.queue.now < mc.v1Seen);
}

function v2Seen(inDev: InDevice): boolean {
  const { ipv4, mc } = inDev;
  const forced = ipv4.devconfAll.data[FORCE_IGMP_VERSION] === 2 || inDev.conf(FORCE_IGMP_VERSION) === 2;
  return forced || (mc.v2Seen !== 0 && ipv4.kernel.queue.now < mc.v2Seen);
}

/** The version of IGMP that is spoken on a device, as /proc/net/igmp shows it. */
export function igmpVersion(inDev: InDevice): 'V1' | 'V2' | 'V3' {
  return v1Seen(inDev) ? 'V1' : v2Seen(inDev) ? 'V2' : 'V3';
}

/** @kernel net/ipv4/igmp.c unsolicited_report_interval */
function unsolicitedReportInterval(inDev: InDevice): number {
  const old = v1Seen(inDev) || v2Seen(inDev);
  const ms = inDev.conf(old ? IGMPV2_UNSOLICITED_REPORT_INTERVAL : IGMPV3_UNSOLICITED_REPORT_INTERVAL);
  return Math.max(ms * 1e6, JIFFY);
}

/** Groups that are not reported: all hosts, and link-local ones if so set. */
function unreported(inDev: InDevice, group: Ipv4): boolean {
  return group === IGMP_ALL_HOSTS || (isLocalMulticast(group) && inDev.ipv4.igmpLinkLocalMcastReports === 0);
}

/** A random part of `max`, and the two jiffies that the kernel adds. */
function delayBelow(inDev: InDevice, max: number): number {
  const jiffies = Math.max(Math.floor(max / JIFFY), 1);
  const { random, queue } = inDev.ipv4.kernel;
  return timerExpiry(queue.now, (random.below(jiffies) + 2) * JIFFY) - queue.now;
}

/** @kernel net/ipv4/igmp.c igmp_start_timer */
function startTimer(inDev: InDevice, group: IpMcList, max: number): void {
  const { queue } = inDev.ipv4.kernel;
  const delay = delayBelow(inDev, max);
  group.timerRunning = true;
  if (group.timer === undefined) group.timer = queue.after(delay, 'IGMP report', () => timerExpire(inDev, group));
  else queue.rearm(group.timer, delay);
}

function stopTimer(group: IpMcList): void {
  group.timer?.cancel();
  group.timerRunning = false;
  group.reporter = false;
  group.unsolicitCount = 0;
}

/** @kernel net/ipv4/igmp.c igmp_mod_timer */
function modTimer(inDev: InDevice, group: IpMcList, max: number): void {
  group.unsolicitCount = 0;
  const left = (group.timer?.expires ?? 0) - inDev.ipv4.kernel.queue.now;
  if (group.timer?.pending === true && left < max) {
    group.timerRunning = true;
    return;
  }
  startTimer(inDev, group, max);
}

/** @kernel net/ipv4/igmp.c igmp_timer_expire */
function timerExpire(inDev: InDevice, group: IpMcList): void {
  group.timerRunning = false;
  if (group.unsolicitCount > 0 && --group.unsolicitCount > 0) {
    startTimer(inDev, group, unsolicitedReportInterval(inDev));
  }
  group.reporter = true;
  if (v1Seen(inDev)) sendReport(inDev, group.address, IGMP_HOST_MEMBERSHIP_REPORT);
  else if (v2Seen(inDev)) sendReport(inDev, group.address, IGMPV2_HOST_MEMBERSHIP_REPORT);
  else sendRecords(inDev, [{ type: IGMPV3_MODE_IS_EXCLUDE, group: group.address }]);
}

/** A group was joined: routers are told. @kernel net/ipv4/igmp.c igmp_group_added */
export function igmpGroupAdded(inDev: InDevice, group: IpMcList): void {
  if (unreported(inDev, group.address) || inDev.dead) return;
  const { mc } = inDev;
  if (mc.tomb.length > 0) mc.tomb = mc.tomb.filter((entry) => entry.address !== group.address);
  group.unsolicitCount = inDev.ipv4.igmpQrv;
  if (v1Seen(inDev) || v2Seen(inDev)) {
    startTimer(inDev, group, JIFFY);
    return;
  }
  group.crcount = mc.qrv;
  ifcEvent(inDev);
}

/** A group was left. @kernel net/ipv4/igmp.c __igmp_group_dropped */
export function igmpGroupDropped(inDev: InDevice, group: IpMcList): void {
  if (unreported(inDev, group.address)) return;
  const { reporter } = group;
  stopTimer(group);
  if (inDev.dead || v1Seen(inDev)) return;
  if (v2Seen(inDev)) {
    if (reporter) sendReport(inDev, group.address, IGMP_HOST_LEAVE_MESSAGE);
    return;
  }
  inDev.mc.tomb = [{ address: group.address, crcount: inDev.mc.qrv }, ...inDev.mc.tomb];
  ifcEvent(inDev);
}

/** The device goes down. */
export function igmpStopTimers(inDev: InDevice): void {
  const { mc } = inDev;
  mc.ifcCount = 0;
  mc.crTimer?.cancel();
  mc.gqTimer?.cancel();
  mc.tomb = [];
}

/** Changes are to be sent, as often as the robustness says. @kernel net/ipv4/igmp.c igmp_ifc_event */
function ifcEvent(inDev: InDevice): void {
  if (v1Seen(inDev) || v2Seen(inDev)) return;
  inDev.mc.ifcCount = inDev.mc.qrv;
  startChangeTimer(inDev, JIFFY);
}

function startChangeTimer(inDev: InDevice, max: number): void {
  const { mc, ipv4 } = inDev;
  const delay = delayBelow(inDev, max);
  if (mc.crTimer === undefined) mc.crTimer = ipv4.kernel.queue.after(delay, 'IGMP change', () => changeExpire(inDev));
  else ipv4.kernel.queue.rearm(mc.crTimer, delay);
}

/** @kernel net/ipv4/igmp.c igmp_ifc_timer_expire */
function changeExpire(inDev: InDevice): void {
  const { mc } = inDev;
  const records: GroupRecord[] = [];
  for (const entry of mc.tomb) {
    records.push({ type: IGMPV3_CHANGE_TO_INCLUDE, group: entry.address });
    entry.crcount--;
  }
  if (mc.tomb.length > 0) mc.tomb = mc.tomb.filter((entry) => entry.crcount > 0);
  for (const group of mc.list) {
    if (group.crcount === 0) continue;
    if (!unreported(inDev, group.address)) records.push({ type: IGMPV3_CHANGE_TO_EXCLUDE, group: group.address });
    group.crcount--;
  }
  sendRecords(inDev, records);
  if (mc.ifcCount > 0) {
    mc.ifcCount--;
    startChangeTimer(inDev, unsolicitedReportInterval(inDev));
  }
}

interface GroupRecord {
  type: number;
  group: Ipv4;
}

/** A packet with its IP header, for `length` bytes of IGMP; undefined when there is no way to send it. */
function newPacket(inDev: InDevice, dst: Ipv4, length: number, v3: boolean): SkBuff | undefined {
  const { ipv4, dev } = inDev;
  const flow = new Flowi4();
  flow.daddr = dst;
  flow.oif = dev.ifindex;
  flow.proto = IPPROTO_IGMP;
  const rt = ipRouteOutputKey(ipv4, flow);
  if (typeof rt === 'number') return undefined;
  const skb = allocSkb(ipv4.kernel, HEADER + length, v3 ? 'igmpv3_newpack' : 'igmp_send_report');
  const at = skbPut(skb, HEADER + length);
  const { bytes } = skb;
  skb.networkHeader = at;
  skb.transportHeader = at + HEADER;
  skb.dst = rt;
  bytes[at] = 0x40 | (HEADER >>> 2);
  bytes[at + 1] = 0xc0;
  putU16(bytes, at + 4, 0);
  putU16(bytes, at + 6, IP_DF);
  bytes[at + 8] = 1;
  bytes[at + 9] = IPPROTO_IGMP;
  // A version 3 report comes from an address of the device, or from none at all.
  const own = inDev.ifaList.some((ifa) => ifa.local === flow.saddr);
  putIpv4(bytes, at + 12, v3 && !own ? 0 : flow.saddr);
  putIpv4(bytes, at + 16, dst);
  bytes[at + 20] = IPOPT_RA;
  bytes[at + 21] = 4;
  putU16(bytes, at + 22, 0);
  return skb;
}

/** Version 1 and 2. @kernel net/ipv4/igmp.c igmp_send_report */
function sendReport(inDev: InDevice, group: Ipv4, type: number): void {
  if (unreported(inDev, group)) return;
  const dst = type === IGMP_HOST_LEAVE_MESSAGE ? IGMP_ALL_ROUTER : group;
  const skb = newPacket(inDev, dst, IGMP_HEADER_LENGTH, false);
  if (skb === undefined) return;
  putIgmp(skb.bytes, skb.transportHeader, type, 0, group);
  putIgmpChecksum(skb.bytes, skb.transportHeader, skb.tail);
  ipLocalOut(skb);
}

/** Version 3. @kernel net/ipv4/igmp.c igmpv3_sendpack #P[a report is not split by the MTU] */
function sendRecords(inDev: InDevice, records: readonly GroupRecord[]): void {
  if (records.length === 0) return;
  const length = IGMP_HEADER_LENGTH + records.length * IGMPV3_RECORD_LENGTH;
  const skb = newPacket(inDev, IGMPV3_ALL_MCR, length, true);
  if (skb === undefined) return;
  const { bytes, transportHeader: at } = skb;
  putIgmpv3ReportHeader(bytes, at, records.length);
  for (const [i, record] of records.entries()) {
    putIgmpv3Record(bytes, at + IGMP_HEADER_LENGTH + i * IGMPV3_RECORD_LENGTH, record.type, 0, record.group);
  }
  putIgmpChecksum(bytes, at, skb.tail);
  ipLocalOut(skb);
}

/** The protocol's receive function. @kernel net/ipv4/igmp.c igmp_rcv */
export function igmpRcv(skb: SkBuff): void {
  const inDev = inDevGet(skb.dev!);
  const at = skb.data;
  const { bytes } = skb;
  const drop = (note: string): void => kfreeSkbReason(skb, REASON.NOT_SPECIFIED, 'igmp_rcv', note);
  if (inDev === undefined || skb.len < IGMP_HEADER_LENGTH) {
    drop('cut short');
    return;
  }
  if (skb.ipSummed !== CHECKSUM_UNNECESSARY && checksum(bytes, at, skb.tail) !== 0) {
    drop('checksum');
    return;
  }
  const type = bytes[at]!;
  if (type === IGMP_HOST_MEMBERSHIP_QUERY) {
    if (!heardQuery(inDev, skb)) {
      drop('bogus query');
      return;
    }
  } else if (type === IGMP_HOST_MEMBERSHIP_REPORT || type === IGMPV2_HOST_MEMBERSHIP_REPORT) {
    const looped = skbRtable(skb)?.isInput === false;
    if (!looped && (skb.pktType === PACKET_MULTICAST || skb.pktType === PACKET_BROADCAST)) {
      // Somebody else has told the router of the group: we need not.
      const group = igmpGroup(bytes, at);
      const ours = unreported(inDev, group) ? undefined : inDev.mc.list.find((entry) => entry.address === group);
      if (ours !== undefined) stopTimer(ours);
    }
  }
  consumeSkb(skb, 'igmp_rcv');
}

/** A router asks who is there. False: the query makes no sense. @kernel net/ipv4/igmp.c igmp_heard_query */
function heardQuery(inDev: InDevice, skb: SkBuff): boolean {
  const { mc, ipv4 } = inDev;
  const { now } = ipv4.kernel.queue;
  const { bytes } = skb;
  const at = skb.data;
  const code = igmpCode(bytes, at);
  let group = igmpGroup(bytes, at);
  let maxDelay: number;
  if (skb.len === IGMP_HEADER_LENGTH) {
    if (code === 0) {
      maxDelay = QUERY_RESPONSE_INTERVAL;
      mc.v1Seen = now + (mc.qrv * mc.qi + mc.qri) * SECOND;
      group = 0;
    } else {
      maxDelay = (code * SECOND) / 10;
      mc.v2Seen = now + (mc.qrv * mc.qi + mc.qri) * SECOND;
    }
    mc.ifcCount = 0;
    mc.crTimer?.cancel();
    mc.tomb = [];
  } else if (skb.len < IGMPV3_QUERY_LENGTH) return false;
  else if (v1Seen(inDev)) {
    maxDelay = QUERY_RESPONSE_INTERVAL;
    group = 0;
  } else if (v2Seen(inDev)) maxDelay = Math.max((igmpv3Time(code) * SECOND) / 10, JIFFY);
  else {
    maxDelay = Math.max((igmpv3Time(code) * SECOND) / 10, JIFFY);
    const qrv = bytes[at + 8]! & 7;
    mc.qrv = qrv === 0 ? ipv4.igmpQrv : qrv;
    const qqic = igmpv3Time(bytes[at + 9]!);
    mc.qi = qqic === 0 ? QUERY_INTERVAL : qqic;
    if (mc.qri >= mc.qi) mc.qri = mc.qi - 1;
    const sources = (bytes[at + 10]! << 8) | bytes[at + 11]!;
    if (group === 0) {
      if (sources !== 0) return false;
      startGeneralQueryTimer(inDev, maxDelay);
      return true;
    }
  }
  for (const entry of mc.list) {
    if (group !== 0 && group !== entry.address) continue;
    if (!unreported(inDev, entry.address)) modTimer(inDev, entry, maxDelay);
  }
  return true;
}

/** @kernel net/ipv4/igmp.c igmp_gq_start_timer */
function startGeneralQueryTimer(inDev: InDevice, max: number): void {
  const { mc, ipv4 } = inDev;
  const { queue } = ipv4.kernel;
  const delay = delayBelow(inDev, max);
  if (mc.gqTimer?.pending === true && queue.now + delay >= mc.gqTimer.expires) return;
  const expire = (): void => {
    const groups = mc.list.filter((entry) => !unreported(inDev, entry.address));
    sendRecords(
      inDev,
      groups.map((entry) => ({ type: IGMPV3_MODE_IS_EXCLUDE, group: entry.address })),
    );
  };
  if (mc.gqTimer === undefined) mc.gqTimer = queue.after(delay, 'IGMP general query', expire);
  else queue.rearm(mc.gqTimer, delay);
}

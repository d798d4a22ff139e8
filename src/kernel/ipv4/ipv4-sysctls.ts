/** Settings of net.ipv4.* that are numbers and ranges, and what they are at first. */

const SECOND = 1e9;

class Ipv4Sysctls {
  ipDefaultTtl = 64;
  ipForwardUsePmtu = 0;
  ipForwardUpdatePriority = 1;
  ipNonlocalBind = 0;
  ipNoPmtuDisc = 0;
  ipDynaddr = 0;
  ipAutobindReuse = 0;
  ipEarlyDemux = 1;
  ipUnprivilegedPortStart = 1024;
  localPortRange: readonly [number, number] = [32768, 60999];
  localReservedPorts: readonly (readonly [number, number])[] = [];
  pingGroupRange: readonly [number, number] = [1, 0];
  fwmarkReflect = 0;
  rawL3mdevAccept = 1;
  udpL3mdevAccept = 0;
  udpEarlyDemux = 1;
  fibMultipathHashPolicy = 0;
  fibMultipathHashFields = 7;
  fibMultipathHashSeed = 0;
  fibMultipathUseNeigh = 0;
  fibNotifyOnFlagChange = 0;
  nexthopCompatMode = 1;
  icmpEchoIgnoreAll = 0;
  icmpEchoIgnoreBroadcasts = 1;
  icmpEchoEnableProbe = 0;
  icmpIgnoreBogusErrorResponses = 1;
  icmpErrorsUseInboundIfaddr = 0;
  /** Milliseconds between errors to one host, once its burst is used up. */
  icmpRatelimit = 1000;
  /** Bits of the types that are limited: unreachable, source quench, time exceeded, parameter problem. */
  icmpRatemask = 6168;
  icmpMsgsPerSec = 1000;
  icmpMsgsBurst = 50;
  igmpMaxMemberships = 20;
  igmpMaxMsf = 10;
  igmpQrv = 2;
  igmpLinkLocalMcastReports = 1;
  ipfragHighThresh = 4194304;
  ipfragLowThresh = 3145728;
  /** Nanoseconds. */
  ipfragTime = 30 * SECOND;
  ipfragMaxDist = 64;
  // net.ipv4.route.*
  routeMinPmtu = 552;
  routeMinAdvMss = 256;
  /** Nanoseconds. */
  routeMtuExpires = 600 * SECOND;
}

/** Has the settings as its prototype: a namespace takes room only for what was set in it. */
class Shared {}
Object.assign(Shared.prototype, new Ipv4Sysctls());

export const SharedSysctls: new () => Ipv4Sysctls = Shared as new () => Ipv4Sysctls;

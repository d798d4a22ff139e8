/** IPv4's registration with the machine, and its sockets. */
import { EACCES, EPROTONOSUPPORT } from '../../uapi/errno.ts';
import { ETH_P_ARP, ETH_P_IP } from '../../uapi/if.ts';
import { refuse } from '../../uapi/result.ts';
import type { SocketOrRefusal, SocketType } from '../../uapi/socket.ts';
import { IPPROTO_ICMP, IPPROTO_IGMP, IPPROTO_TCP, IPPROTO_UDP } from '../../wire/ipv4.ts';
import type { Kernel } from '../core/kernel.ts';
import type { NetNamespace } from '../core/net-namespace.ts';
import { arpInit, arpNetdevEvent, arpRcv } from './arp.ts';
import { inetdevEvent } from './devinet.ts';
import { fibNetdevEvent } from './fib-frontend.ts';
import { fibRulesEvent } from './fib-rules.ts';
import { icmpRcv } from './icmp-receive.ts';
import { igmpRcv } from './igmp-report.ts';
import { inetProtos } from './inet-protos.ts';
import './ip-forward.ts';
import { ipFragExitNet } from './ip-fragment.ts';
import { ipRcv } from './ip-input.ts';
import './ip-output.ts';
import { ipv4Of } from './ipv4-net.ts';
import { icmpErr, PingSocket } from './ping.ts';
import { RawSocket } from './raw.ts';
import { registerIpv4Sysctls } from './sysctl-net-ipv4.ts';
import { tcpV4Rcv } from './tcp-reset.ts';
import { TcpSocket, tcpV4Err } from './tcp-socket.ts';
import { UdpSocket, udpErr, udpRcv } from './udp.ts';

/** Group of the processes of a lab: root. */
const ROOT_GROUP = 0;

inetProtos[IPPROTO_ICMP] = { handler: icmpRcv, errHandler: icmpErr };
inetProtos[IPPROTO_IGMP] = { handler: igmpRcv };
inetProtos[IPPROTO_UDP] = { handler: udpRcv, errHandler: udpErr };
inetProtos[IPPROTO_TCP] = { handler: tcpV4Rcv, errHandler: tcpV4Err };

const inodes = new WeakMap<Kernel, number>();

function nextInode(kernel: Kernel): number {
  const inode = (inodes.get(kernel) ?? 20_000) + 1;
  inodes.set(kernel, inode);
  return inode;
}

/** socket(AF_INET, ...). @kernel net/ipv4/af_inet.c inet_create */
export function inetCreate(net: NetNamespace, type: SocketType, protocol: number): SocketOrRefusal {
  const ipv4 = ipv4Of(net);
  if (type === 'udp') {
    if (protocol !== 0 && protocol !== IPPROTO_UDP) return refuse(EPROTONOSUPPORT);
    return new UdpSocket(ipv4, IPPROTO_UDP, nextInode(net.kernel));
  }
  if (type === 'tcp') {
    if (protocol !== 0 && protocol !== IPPROTO_TCP) return refuse(EPROTONOSUPPORT);
    return new TcpSocket(ipv4, IPPROTO_TCP, nextInode(net.kernel));
  }
  if (type === 'ping') {
    const [low, high] = ipv4.pingGroupRange;
    if (ROOT_GROUP < low || ROOT_GROUP > high) return refuse(EACCES);
    return new PingSocket(ipv4, IPPROTO_ICMP, nextInode(net.kernel));
  }
  if (type !== 'raw' || protocol === 0 || protocol > 255) return refuse(EPROTONOSUPPORT);
  return new RawSocket(ipv4, protocol, nextInode(net.kernel));
}

/** @kernel net/ipv4/af_inet.c inet_init */
export function registerInet(kernel: Kernel): void {
  const table = arpInit(kernel);
  kernel.packetHandlers.set(ETH_P_ARP, arpRcv);
  kernel.packetHandlers.set(ETH_P_IP, ipRcv);
  // In the order in which the kernel's modules hear of an event.
  kernel.registerNotifier({
    name: 'arp',
    priority: 0,
    call(event, dev, info) {
      arpNetdevEvent(table, event, dev, info);
      return 0;
    },
  });
  kernel.registerNotifier({
    name: 'inetdev',
    priority: 0,
    call: inetdevEvent,
  });
  kernel.registerNotifier({
    name: 'fib-rules',
    priority: 0,
    call(event, dev) {
      fibRulesEvent(event, dev);
      return 0;
    },
  });
  kernel.registerNotifier({
    name: 'fib',
    priority: 0,
    call(event, dev, info) {
      fibNetdevEvent(event, dev, info);
      return 0;
    },
  });
  kernel.pernet.push({ name: 'ipv4', exit: (net) => ipFragExitNet(ipv4Of(net)) });
  registerIpv4Sysctls(kernel);
}

/** Flows as tcpreplay counts them: by addresses, protocol and ports, whatever the VLAN. */
import { ETH_P_8021AD, ETH_P_8021Q, ETH_P_IP } from '../uapi/if.ts';
import { u16At } from '../wire/addr.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPV4_HEADER_LENGTH } from '../wire/ipv4.ts';

const ETHERNET_HEADER = 14;
const TCP_HEADER = 20;
const UDP_HEADER = 8;
const LSAP_STP = 0x42;
/** Below it a frame's type is its length, and its headers are those of LLC. */
const SMALLEST_TYPE = 1536;

/** What a frame counts as; `unsupported` ones give a warning, `uncounted` ones count nowhere. */
export type FlowKind = 'flow' | 'non-flow' | 'uncounted' | 'unsupported';

export class FlowTable {
  readonly #flows = new Set<string>();
  flowPackets = 0;
  nonFlowPackets = 0;

  get flows(): number {
    return this.#flows.size;
  }

  /** Count one Ethernet frame. */
  count(frame: Uint8Array): FlowKind {
    const { kind, key } = flowOf(frame);
    if (kind === 'flow') {
      this.#flows.add(key);
      this.flowPackets++;
    } else if (kind === 'non-flow') this.nonFlowPackets++;
    return kind;
  }
}

function flowOf(frame: Uint8Array): { kind: FlowKind; key: string } {
  const without = (kind: FlowKind) => ({ kind, key: '' });
  if (frame.length <= ETHERNET_HEADER) return without('unsupported');
  let at = 12;
  while (at + 6 <= frame.length && [ETH_P_8021Q, ETH_P_8021AD].includes(u16At(frame, at))) at += 4;
  const type = u16At(frame, at);
  const ip = at + 2;
  if (type < SMALLEST_TYPE) {
    if (frame[ip] !== LSAP_STP || frame[ip + 1] !== LSAP_STP) return without('unsupported');
    return { kind: 'flow', key: frame.subarray(ip).join('.') };
  }
  if (type !== ETH_P_IP) return without('non-flow');
  if (ip + IPV4_HEADER_LENGTH > frame.length) return without('uncounted');
  const protocol = frame[ip + 9]!;
  if (protocol === IPPROTO_ICMP) return without('uncounted');
  const transport = ip + (frame[ip]! & 15) * 4;
  const needed = protocol === IPPROTO_TCP ? TCP_HEADER : protocol === IPPROTO_UDP ? UDP_HEADER : 0;
  if (transport + needed > frame.length) return without('uncounted');
  const ports = needed === 0 ? '' : frame.subarray(transport, transport + 4).join('.');
  return { kind: 'flow', key: `${frame.subarray(ip + 12, ip + 20).join('.')} ${protocol} ${ports}` };
}

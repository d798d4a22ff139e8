import type { VethData } from '../../uapi/rtnetlink.ts';
import type { Args } from './args.ts';
import type { Ip } from './context.ts';
import { EXIT_FAILURE } from './exit.ts';
import type { LinkKind } from './link-kind.ts';
import { parseLink, refuseAddress } from './link-parse.ts';

const USAGE = `Usage: ip link <options> type veth [peer <options>]
To get <options> type 'ip link add help'
`;

function parse(ip: Ip, args: Args, create: boolean): VethData | number {
  if (args.word !== 'peer') {
    args.process.stdout.write(USAGE);
    return EXIT_FAILURE;
  }
  args.shift();
  const peer = parseLink(ip, args, create);
  if (typeof peer === 'number') return EXIT_FAILURE;
  if (peer.type !== undefined) args.duparg('type', peer.type);
  if (peer.badAddress) return refuseAddress(args);
  return { peer: peer.request };
}

/** `type veth`. */
export const vethKind: LinkKind = { id: 'veth', parse, help: (out) => out.write(USAGE) };

/** The tables: which built-in chains each has, at which hooks, in which order of priority. */
import {
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  NF_IP_PRI_FILTER,
  NF_IP_PRI_MANGLE,
  NF_IP_PRI_NAT_DST,
  NF_IP_PRI_NAT_SRC,
  NF_IP_PRI_RAW,
} from '../core/netfilter.ts';

export interface BuiltinChain {
  readonly name: string;
  readonly hook: number;
  readonly priority: number;
}

const HOOK_NAMES: readonly (readonly [string, number])[] = [
  ['PREROUTING', NF_INET_PRE_ROUTING],
  ['INPUT', NF_INET_LOCAL_IN],
  ['FORWARD', NF_INET_FORWARD],
  ['OUTPUT', NF_INET_LOCAL_OUT],
  ['POSTROUTING', NF_INET_POST_ROUTING],
];
const NF_IP_PRI_SECURITY = 50;
const NFT_PRI_SECURITY = 150;

const chains = (names: string, priority: (hook: number) => number): BuiltinChain[] =>
  HOOK_NAMES.filter(([name]) => names.split(' ').includes(name)).map(([name, hook]) => {
    return { name, hook, priority: priority(hook) };
  });

const natPriority = (hook: number) =>
  hook === NF_INET_PRE_ROUTING || hook === NF_INET_LOCAL_OUT ? NF_IP_PRI_NAT_DST : NF_IP_PRI_NAT_SRC;

/** In hook order. */
export const BUILTIN_CHAINS: Readonly<Record<string, readonly BuiltinChain[]>> = {
  raw: chains('PREROUTING OUTPUT', () => NF_IP_PRI_RAW),
  mangle: chains('PREROUTING INPUT FORWARD OUTPUT POSTROUTING', () => NF_IP_PRI_MANGLE),
  nat: chains('PREROUTING INPUT OUTPUT POSTROUTING', natPriority),
  filter: chains('INPUT FORWARD OUTPUT', () => NF_IP_PRI_FILTER),
  security: chains('INPUT FORWARD OUTPUT', () => NF_IP_PRI_SECURITY),
};

/** nf_tables' table `security` stands elsewhere than ip_tables' one. */
export function nftPriority(table: string, { priority }: BuiltinChain): number {
  return table === 'security' ? NFT_PRI_SECURITY : priority;
}

/**
 * Cases in which the twin is known to differ from the recorded kernel, with the reason. A case that is
 * listed and agrees fails the suite: the list only holds what is true.
 */
export const KNOWN_DEVIATIONS: Readonly<Record<string, string>> = {
  'iptables: a rule on output':
    'an ICMP error that a REJECT in OUTPUT causes inside sendmsg() is queued after it returns, so ping tries once less',
};

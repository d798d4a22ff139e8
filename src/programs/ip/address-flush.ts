import { EADDRNOTAVAIL, strerror } from '../../uapi/errno.ts';
import type { Refusal } from '../../uapi/result.ts';
import { type AddrMessage, IFA_F_SECONDARY } from '../../uapi/rtnetlink.ts';
import { matchAddress, printAddrinfo } from './address-print.ts';
import type { Ip } from './context.ts';
import { EXIT_FAILURE } from './exit.ts';
import type { LinkFilter } from './link-filter.ts';

function remove(ip: Ip, address: AddrMessage): Refusal | undefined {
  return ip.rtnl.delAddr({
    ifindex: address.ifindex,
    prefixlen: address.prefixlen,
    local: address.local,
    address: address.address,
    ...(address.label === '' ? {} : { label: address.label }),
  });
}

/**
 * ipaddr_flush(): delete what the filter matches, round by round, until nothing is left. Deleting one
 * address may take others along or bring a secondary up, hence the rounds.
 */
export async function flushAddresses(ip: Ip, filter: LinkFilter): Promise<number> {
  const { options, out, process } = ip;
  for (let round = 0; options.maxFlushLoops === 0 || round < options.maxFlushLoops; ) {
    const found = ip.rtnl
      .dumpAddrs(filter.ifindex ? { ifindex: filter.ifindex } : {})
      .filter((address) => matchAddress(filter, address));
    if (options.stats > 1) for (const address of found) printAddrinfo(ip, address, true);
    const done = (): Promise<number> => {
      if (options.stats) {
        out.text(
          round === 0
            ? 'Nothing to flush.\n'
            : `*** Flush is complete after ${round} round${round > 1 ? 's' : ''} ***\n`,
        );
      }
      return out.flush().then(() => 0);
    };
    if (found.length === 0) return done();
    round++;
    const refused = found.map((address) => remove(ip, address)).find((answer) => answer !== undefined);
    if (refused && refused.errno !== EADDRNOTAVAIL) {
      process.stderr.write(`Failed to send flush request: ${strerror(refused.errno)}\n`);
      return EXIT_FAILURE;
    }
    if (options.stats) {
      out.text(`\n*** Round ${round}, deleting ${found.length} addresses ***\n`);
      await out.flush();
    }
    // Primary addresses only: another round would find the secondaries that took their place.
    if (!(filter.flags & IFA_F_SECONDARY) && filter.flagMask & IFA_F_SECONDARY) return done();
  }
  process.stderr.write(`*** Flush remains incomplete after ${options.maxFlushLoops} rounds. ***\n`);
  return EXIT_FAILURE;
}

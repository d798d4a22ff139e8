/** `-m recent` (libxt_recent.c). */
import type { XtRecentMatch } from '../../uapi/xtables.ts';
import { formatIpv4, parseIpv4 } from '../../wire/addr.ts';
import { type Extension, not } from './extension.ts';

const OPERATIONS = ['set', 'rcheck', 'update', 'remove'] as const;
const PRINTED = { set: 'SET', rcheck: 'CHECK', update: 'UPDATE', remove: 'REMOVE' } as const;

const HELP = `recent match options:
[!] --set                       Add source address to list, always matches.
[!] --rcheck                    Match if source address in list.
[!] --update                    Match if source address in list, also update last-seen time.
[!] --remove                    Match if source address in list, also removes that address from list.
    --seconds seconds           For check and update commands above.
                                Specifies that the match will only occur if source address last seen within
                                the last 'seconds' seconds.
    --reap                      Purge entries older then 'seconds'.
                                Can only be used in conjunction with the seconds option.
    --hitcount hits             For check and update commands above.
                                Specifies that the match will only occur if source address seen hits times.
                                May be used in conjunction with the seconds option.
    --rttl                      For check and update commands above.
                                Specifies that the match will only occur if the source address and the TTL
                                match between this packet and the one which was set.
                                Useful if you have problems with people spoofing their source address in order
                                to DoS you via this module.
    --name name                 Name of the recent list to be used.  DEFAULT used if none given.
    --rsource                   Match/Save the source address of each packet in the recent list table (default).
    --rdest                     Match/Save the destination address of each packet in the recent list table.
    --mask netmask              Netmask that will be applied to this recent list.
xt_recent by: Stephen Frost <sfrost@snowman.net>.
`;

export const recentMatch: Extension<XtRecentMatch> = {
  name: 'recent',
  options: [
    ...OPERATIONS.map((name) => ({
      name,
      id: name,
      invert: true,
      exclusive: OPERATIONS.filter((other) => other !== name),
    })),
    { name: 'seconds', id: 'seconds', type: 'uint32', min: 1 },
    { name: 'reap', id: 'reap', also: ['seconds'] },
    { name: 'hitcount', id: 'hitcount', type: 'uint32' },
    { name: 'rttl', id: 'rttl' },
    { name: 'name', id: 'name', type: 'string' },
    { name: 'rsource', id: 'rsource' },
    { name: 'rdest', id: 'rdest' },
    { name: 'mask', id: 'mask', type: 'string' },
  ],
  help: HELP,
  init: () => ({
    name: 'recent',
    mode: 'rcheck',
    invert: false,
    seconds: 0,
    hitCount: 0,
    reap: false,
    rttl: false,
    list: 'DEFAULT',
    destination: false,
    mask: 0xffff_ffff,
  }),
  parse({ ctx, option, argument, value, invert }, data) {
    const operation = OPERATIONS.find((name) => name === option.id);
    if (operation !== undefined) {
      data.mode = operation;
      data.invert = invert;
      return;
    }
    if (option.id === 'seconds') data.seconds = value.number;
    else if (option.id === 'hitcount') data.hitCount = value.number;
    else if (option.id === 'reap' || option.id === 'rttl') data[option.id] = true;
    else if (option.id === 'name') data.list = argument;
    else if (option.id === 'mask') {
      data.mask = parseIpv4(argument) ?? ctx.bad('getaddrinfo: Temporary failure in name resolution\n');
    } else data.destination = option.id === 'rdest';
  },
  check(ctx, used) {
    if (OPERATIONS.some((name) => used.has(name))) return;
    ctx.bad("recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'");
  },
  print({ mode, invert, seconds, reap, hitCount, rttl, list, destination, mask }) {
    const limits = `${seconds === 0 ? '' : ` seconds: ${seconds}`}${reap ? ' reap' : ''}`;
    const hits = `${hitCount === 0 ? '' : ` hit_count: ${hitCount}`}${rttl ? ' TTL-Match' : ''}`;
    const side = `side: ${destination ? 'dest' : 'source'} mask: ${formatIpv4(mask)}`;
    return `${invert ? ' !' : ''} recent: ${PRINTED[mode]}${limits}${hits} name: ${list} ${side}`;
  },
  save({ mode, invert, seconds, reap, hitCount, rttl, list, destination, mask }) {
    const limits = `${seconds === 0 ? '' : ` --seconds ${seconds}`}${reap ? ' --reap' : ''}`;
    const hits = `${hitCount === 0 ? '' : ` --hitcount ${hitCount}`}${rttl ? ' --rttl' : ''}`;
    const side = `--mask ${formatIpv4(mask)} ${destination ? '--rdest' : '--rsource'}`;
    return `${not(invert)} --${mode}${limits}${hits} --name ${list} ${side}`;
  },
};

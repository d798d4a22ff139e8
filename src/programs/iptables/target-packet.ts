/** Targets that change the IPv4 header: TTL, DSCP. */
import type { XtTarget } from '../../uapi/xtables.ts';
import type { Extension } from './extension.ts';
import { dscpOfClass, hexOctet } from './match-packet.ts';

type Target<Name extends XtTarget['name']> = Extract<XtTarget, { name: Name }>;

const TTL_WORDS = { set: 'set to', dec: 'decrement by', inc: 'increment by' } as const;

export const ttlTarget: Extension<Target<'TTL'>> = {
  name: 'TTL',
  options: [
    { name: 'ttl-set', id: 'set', type: 'uint32', max: 255, exclusive: ['dec', 'inc'] },
    { name: 'ttl-dec', id: 'dec', type: 'uint32', min: 1, max: 255, exclusive: ['set', 'inc'] },
    { name: 'ttl-inc', id: 'inc', type: 'uint32', min: 1, max: 255, exclusive: ['set', 'dec'] },
  ],
  help:
    'TTL target options\n  --ttl-set value\t\tSet TTL to <value 0-255>\n' +
    '  --ttl-dec value\t\tDecrement TTL by <value 1-255>\n' +
    '  --ttl-inc value\t\tIncrement TTL by <value 1-255>\n',
  init: () => ({ name: 'TTL', mode: 'set', ttl: 0 }),
  parse({ option, value }, data) {
    data.mode = option.id as 'set' | 'dec' | 'inc';
    data.ttl = value.number;
  },
  check(ctx, used) {
    if (used.size === 0) ctx.bad('TTL: You must specify an action');
  },
  print: ({ mode, ttl }) => ` TTL ${TTL_WORDS[mode]} ${ttl}`,
  save: ({ mode, ttl }) => ` --ttl-${mode} ${ttl}`,
};

export const dscpTarget: Extension<Target<'DSCP'>> = {
  name: 'DSCP',
  options: [
    { name: 'set-dscp', id: 'dscp', type: 'uint32', max: 63, exclusive: ['class'] },
    { name: 'set-dscp-class', id: 'class', type: 'string', exclusive: ['dscp'] },
  ],
  help:
    'DSCP target options\n  --set-dscp value\t\tSet DSCP field in packet header to value\n' +
    '  \t\t                This value can be in decimal (ex: 32)\n               \t\tor in hex (ex: 0x20)\n' +
    '  --set-dscp-class class\tSet the DSCP field in packet header to the\n' +
    '\t\t\t\tvalue represented by the DiffServ class value.\n\t\t\t\tThis class may be EF,BE or any of the CSxx\n' +
    '\t\t\t\tor AFxx classes.\n\n\t\t\t\tThese two options are mutually exclusive !\n',
  init: () => ({ name: 'DSCP', dscp: 0 }),
  parse({ ctx, option, argument, value }, data) {
    data.dscp = option.id === 'class' ? dscpOfClass(ctx, argument) : value.number;
  },
  check(ctx, used) {
    if (used.size === 0) ctx.bad('DSCP target: Parameter --set-dscp is required');
  },
  print: ({ dscp }) => ` DSCP set ${hexOctet(dscp)}`,
  save: ({ dscp }) => ` --set-dscp ${hexOctet(dscp)}`,
};

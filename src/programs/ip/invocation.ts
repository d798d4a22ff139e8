/** What `ip` and `bridge`, two programs of one package, do alike before they look at an object. */
import type { Process } from '../../uapi/process.ts';
import { AF_UNSPEC } from '../../uapi/rtnetlink.ts';
import { matches } from './args.ts';
import type { Ip, IpOptions } from './context.ts';
import { Printer } from './json-print.ts';
import { LinkMap } from './ll-map.ts';
import { RtNames } from './names.ts';

/** The global options before any is read. `maxFlushLoops` is the program's own default of -loops. */
export function defaultOptions(maxFlushLoops: number): IpOptions {
  return {
    family: AF_UNSPEC,
    details: 0,
    compressVlans: false,
    stats: 0,
    human: false,
    iec: false,
    oneline: false,
    brief: false,
    json: false,
    pretty: false,
    numeric: false,
    resolve: false,
    echo: false,
    timestamp: false,
    timestampShort: false,
    force: false,
    all: false,
    color: 'never',
    maxFlushLoops,
    batch: false,
  };
}

/** What the objects work with. */
export function newIp(process: Process, options: IpOptions): Ip {
  const { rtnl } = process.task;
  return {
    process,
    options,
    rtnl,
    out: new Printer(process, options),
    links: new LinkMap(rtnl),
    names: new RtNames(process.files, options.numeric),
  };
}

/** matches_color(): undefined if the word is not a -color option. */
export function matchColor(word: string): IpOptions['color'] | undefined {
  const equals = word.indexOf('=');
  if (!matches(equals < 0 ? word : word.slice(0, equals), '-color')) return undefined;
  const value = equals < 0 ? '' : word.slice(equals + 1);
  if (value === '' || value === 'always') return 'always';
  return value === 'auto' || value === 'never' ? value : undefined;
}

import type { Args } from './args.ts';
import type { Ip } from './context.ts';
import { EXIT_FAILURE } from './exit.ts';
import type { LinkKind } from './link-kind.ts';

/** IFLA_IPVLAN_*. */
interface IpvlanData {
  mode?: number;
  flags?: number;
}

const MODES: Readonly<Record<string, number>> = { l2: 0, l3: 1, l3s: 2 };
const IPVLAN_F_PRIVATE = 1;
const IPVLAN_F_VEPA = 2;

function usage(id: string): string {
  return `Usage: ... ${id} [ mode MODE ] [ FLAGS ]

MODE: l3 | l3s | l2
FLAGS: bridge | private | vepa
(first values are the defaults if nothing is specified).
`;
}

function parse(id: string, args: Args): IpvlanData | number {
  const data: IpvlanData = {};
  let flags: number | undefined;
  while (args.left > 0) {
    if (args.matches('mode')) {
      const mode = MODES[args.next()];
      if (mode === undefined) {
        args.complain('Error: argument of "mode" must be either "l2", "l3" or "l3s"');
        return EXIT_FAILURE;
      }
      data.mode = mode;
    } else if (args.matches('private') && flags === undefined) flags = IPVLAN_F_PRIVATE;
    else if (args.matches('vepa') && flags === undefined) flags = IPVLAN_F_VEPA;
    else if (args.matches('bridge') && flags === undefined) flags = 0;
    else {
      if (!args.matches('help')) args.complain(`${id}: unknown option "${args.word}"?`);
      args.process.stderr.write(usage(id));
      return EXIT_FAILURE;
    }
    args.shift();
  }
  return { ...data, flags: flags ?? 0 };
}

function print(ip: Ip, data: IpvlanData): void {
  const { out } = ip;
  if (data.mode !== undefined) {
    const mode = Object.keys(MODES).find((name) => MODES[name] === data.mode) ?? 'unknown';
    out.print('mode', ` mode ${mode} `, mode);
  }
  if (data.flags === undefined) return;
  const flag = data.flags & IPVLAN_F_PRIVATE ? 'private' : data.flags & IPVLAN_F_VEPA ? 'vepa' : 'bridge';
  out.print(flag, `${flag} `, true);
}

function kind(id: string): LinkKind {
  return { id, parse: (_ip, args) => parse(id, args), print, help: (out) => out.write(usage(id)) };
}

/** `type ipvlan`. */
export const ipvlanKind = kind('ipvlan');
/** `type ipvtap`: the same options. */
export const ipvtapKind = kind('ipvtap');

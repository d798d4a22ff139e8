/** The program `bridge` of iproute2 6.1: global options, the choice of an object, batch files. */
import type { Process } from '../../uapi/process.ts';
import { AF_INET, AF_INET6 } from '../../uapi/rtnetlink.ts';
import { Args, matches, matching } from '../ip/args.ts';
import { doBatch } from '../ip/batch.ts';
import type { Ip, IpObject, IpOptions } from '../ip/context.ts';
import { EXIT_USAGE, Exit } from '../ip/exit.ts';
import { defaultOptions, matchColor, newIp } from '../ip/invocation.ts';
import { netnsSwitch } from '../ip/netns-switch.ts';
import { doFdb } from './fdb.ts';
import { doLink } from './link.ts';
import { doMdb } from './mdb.ts';
import { doVlan } from './vlan.ts';

const USAGE = `Usage: bridge [ OPTIONS ] OBJECT { COMMAND | help }
       bridge [ -force ] -batch filename
where  OBJECT := { link | fdb | mdb | vlan | monitor }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] |
                    -o[neline] | -t[imestamp] | -n[etns] name |
                    -c[ompressvlans] -color -p[retty] -j[son] }
`;

function usage(process: Process): never {
  process.stderr.write(USAGE);
  throw new Exit(EXIT_USAGE);
}

/** In the order in which an abbreviation is tried; undefined: Linux has it, Hairpin has not. */
const OBJECTS: readonly (readonly [string, IpObject | undefined])[] = [
  ['link', doLink],
  ['fdb', doFdb],
  ['mdb', doMdb],
  ['vlan', doVlan],
  ['vni', undefined],
  ['monitor', undefined],
  ['help', async (ip) => usage(ip.process)],
];

async function doCmd(ip: Ip, argv: readonly string[]): Promise<number> {
  const word = argv[0] ?? '';
  for (const [name, object] of OBJECTS) {
    if (!matches(word, name)) continue;
    const args = new Args(ip.process, argv, 1);
    return object ? object(ip, args) : args.notModelled(name);
  }
  ip.process.stderr.write(`Object "${word}" is unknown, try "bridge help".\n`);
  return EXIT_USAGE;
}

/** Read the global options; gives the name of the batch file, if there is one. */
function readOptions(process: Process, args: Args, options: IpOptions): string | undefined {
  let batchFile: string | undefined;
  const value = (): string => {
    args.shift();
    if (args.left <= 0) usage(process);
    return args.word;
  };
  for (; args.left > 0; args.shift()) {
    let word = args.word;
    if (word === '--') {
      args.shift();
      break;
    }
    if (!word.startsWith('-')) break;
    if (word.startsWith('--')) word = word.slice(1);
    const is = matching(word);
    if (is('-help')) usage(process);
    else if (is('-Version')) {
      process.stdout.write('bridge utility, 6.1.0\n');
      throw new Exit(0);
    } else if (is('-stats') || is('-statistics')) options.stats++;
    else if (is('-details')) options.details++;
    else if (is('-oneline')) options.oneline = true;
    else if (is('-timestamp')) options.timestamp = true;
    else if (is('-family')) {
      const name = value();
      if (name === 'inet') options.family = AF_INET;
      else if (name === 'inet6') options.family = AF_INET6;
      else if (name === 'help') usage(process);
      else args.invarg('invalid protocol family', name);
    } else if (word === '-4') options.family = AF_INET;
    else if (word === '-6') options.family = AF_INET6;
    else if (is('-netns')) {
      if (!netnsSwitch(process, args.next())) throw new Exit(EXIT_USAGE);
    } else if (matchColor(word) !== undefined) options.color = matchColor(word)!;
    else if (is('-compressvlans')) {
      options.compressVlans = true;
    } else if (is('-force')) options.force = true;
    else if (is('-json')) options.json = true;
    else if (is('-pretty')) options.pretty = true;
    else if (is('-batch')) batchFile = value();
    else args.fail(`Option "${word}" is unknown, try "bridge help".`);
  }
  return batchFile;
}

async function main(process: Process): Promise<number> {
  const options = defaultOptions(0);
  const args = new Args(process, process.argv, 1);
  const batchFile = readOptions(process, args, options);
  const ip = newIp(process, options);
  if (batchFile !== undefined) {
    options.batch = true;
    return doBatch(process, batchFile, options.force, (argv) => doCmd(ip, argv));
  }
  return args.left > 0 ? doCmd(ip, args.rest) : usage(process);
}

/** The program `bridge`. */
export async function bridge(process: Process): Promise<number> {
  try {
    return await main(process);
  } catch (end) {
    if (end instanceof Exit) return end.status;
    throw end;
  }
}

/** What the programs of iputils 20221126 share: error(), number arguments, names of hosts. */
import { strerror } from '../uapi/errno.ts';
import { complain, type Process } from '../uapi/process.ts';
import type { Ipv4 } from '../wire/addr.ts';
import { resolveHost } from './hosts.ts';

export const IPUTILS_VERSION = '20221126';
export const IPUTILS_FEATURES = 'libcap: yes, IDN: yes, NLS: no, error.h: yes, getrandom(): yes, __fpending(): yes';

/** exit() from the middle of a program: thrown, and caught by {@link runProgram} only. */
export class Exit extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}

/** Run `body`; the status it returns, or the one it exits with. */
export async function runProgram(body: () => Promise<number>): Promise<number> {
  try {
    return await body();
  } catch (exit) {
    if (exit instanceof Exit) return exit.status;
    throw exit;
  }
}

/** glibc's error(): standard output first, then the program's name, the text and the error number's. */
export async function error(process: Process, text: string, errno = 0): Promise<void> {
  await process.stdout.flush();
  complain(process, `${process.argv[0]}: ${text}${errno === 0 ? '' : `: ${strerror(errno)}`}\n`);
}

/** error() with a status: does not return. */
export async function die(process: Process, status: number, text: string, errno = 0): Promise<never> {
  await error(process, text, errno);
  throw new Exit(status);
}

/** strtol_or_err(): a decimal number in a range, or the end with status 1. `max` may be a bigint. */
export async function strtolOrErr(process: Process, text: string, min: number, max: number | bigint): Promise<number> {
  if (!/^\s*[+-]?\d+$/.test(text)) return die(process, 1, `invalid argument: '${text}'`);
  const value = BigInt(text.trim().replace(/^\+/, ''));
  if (value > 0x7fff_ffff_ffff_ffffn || value < -0x8000_0000_0000_0000n) {
    return die(process, 1, `invalid argument: '${text}': Numerical result out of range`);
  }
  if (value < BigInt(min) || value > BigInt(max)) {
    return die(process, 1, `invalid argument: '${text}': out of range: ${min} <= value <= ${max}`);
  }
  return Number(value);
}

/** Whether the text is an IPv6 address, with or without a zone. */
export function isIpv6Literal(text: string): boolean {
  const [address = ''] = text.split('%');
  const mapped = address.replace(/:\d+\.\d+\.\d+\.\d+$/, ':0:0');
  const groups = mapped.split('::');
  if (groups.length > 2 || !mapped.includes(':')) return false;
  const words = groups.flatMap((part) => (part === '' ? [] : part.split(':')));
  if (words.some((word) => !/^[0-9a-fA-F]{1,4}$/.test(word))) return false;
  return groups.length === 2 ? words.length <= 7 : words.length === 8;
}

/**
 * getaddrinfo() without a name server: the address, or gai_strerror()'s text. For `inet` alone glibc
 * refuses names of digits and dots by itself, for any family it asks a server.
 */
export function lookup(process: Process, name: string, family: 'inet' | 'any'): Ipv4 | string {
  if (isIpv6Literal(name)) return 'Address family for hostname not supported';
  const address = resolveHost(process, name);
  if (address !== undefined) return address;
  const labels = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9_-]{1,63})*\.?$/;
  const asked = name.length < 254 && labels.test(name) && (family === 'any' || /[^\d.]/.test(name));
  return asked ? 'Temporary failure in name resolution' : 'Name or service not known';
}

/** Names of hosts: numeric addresses as inet_aton(3) reads them, and /etc/hosts. There is no DNS. */
import type { Process } from '../uapi/process.ts';
import { isRefusal } from '../uapi/result.ts';
import { type Ipv4, parseIpv4 } from '../wire/addr.ts';

/** inet_aton(): one to four parts, each decimal, octal or hexadecimal; the last fills the remaining octets. */
export function inetAton(text: string): Ipv4 | undefined {
  const usual = parseIpv4(text);
  if (usual !== undefined) return usual;
  const parts = text.split('.');
  if (parts.length > 4) return undefined;
  const numbers = parts.map((part) =>
    /^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.test(part)
      ? Number(/^0\d/.test(part) ? `0o${part.slice(1)}` : part)
      : Number.NaN,
  );
  const last = numbers.pop()!;
  if (numbers.some((octet) => !(octet <= 255)) || !(last < 256 ** (4 - numbers.length))) return undefined;
  return numbers.reduce((address, octet, index) => address + octet * 256 ** (3 - index), last);
}

/** gethostbyname(): a numeric address or a name from /etc/hosts. */
export function resolveHost(process: Process, name: string): Ipv4 | undefined {
  const numeric = inetAton(name);
  if (numeric !== undefined) return numeric;
  const wanted = name.toLowerCase();
  for (const { address, names } of hostEntries(process)) {
    if (names.some((each) => each.toLowerCase() === wanted)) return address;
  }
  return undefined;
}

/** gethostbyaddr(): the first name that /etc/hosts gives an address. */
export function hostName(process: Process, address: Ipv4): string | undefined {
  return hostEntries(process).find((entry) => entry.address === address)?.names[0];
}

/** What h_errno says of a name that {@link resolveHost} does not know: names that cannot be are unknown, for others no server answers. */
export function resolveError(name: string): 'Unknown host' | 'Host name lookup failure' {
  const valid = /^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*\.?$/.test(name);
  return valid && !/^[\d.]*$/.test(name) ? 'Host name lookup failure' : 'Unknown host';
}

function hostEntries(process: Process): { address: Ipv4; names: string[] }[] {
  const text = process.files.readText('/etc/hosts');
  if (isRefusal(text)) return [];
  return text.split('\n').flatMap((line) => {
    const [word = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const address = parseIpv4(word);
    return address === undefined || names.length === 0 ? [] : [{ address, names }];
  });
}

import { expect, test } from 'vitest';
import { describeIcmp, OptionPrinter } from '../../../src/programs/ping/print-icmp.ts';
import { formatTripTime } from '../../../src/programs/ping/receive.ts';
import { formatIpv4, parseIpv4, putIpv4, putU32 } from '../../../src/wire/addr.ts';

test.each([
  [0, '0.000'],
  [999, '0.999'],
  [1000, '1.00'],
  [1234, '1.23'],
  [1235, '1.24'],
  [9994, '9.99'],
  [9995, '10.0'],
  [12_345, '12.3'],
  [99_949, '99.9'],
  [99_950, '100'],
  [1_234_567, '1235'],
])('a trip of %d microseconds is time=%s ms', (microseconds, text) => {
  expect(formatTripTime(microseconds)).toBe(text);
});

// What ping of iputils 20221126 printed for these on Linux 6.18.
test.each([
  [3, 0, 0, 'Destination Net Unreachable\n'],
  [3, 1, 0, 'Destination Host Unreachable\n'],
  [3, 2, 0, 'Destination Protocol Unreachable\n'],
  [3, 3, 0, 'Destination Port Unreachable\n'],
  [3, 4, 1000, 'Frag needed and DF set (mtu = 1000)\n'],
  [3, 9, 0, 'Destination Net Prohibited\n'],
  [3, 10, 0, 'Destination Host Prohibited\n'],
  [3, 13, 0, 'Packet filtered\n'],
  [3, 16, 0, 'Dest Unreachable, Bad Code: 16\n'],
  [5, 1, parseIpv4('10.0.0.3')!, 'Redirect Host(New nexthop: 10.0.0.3)\n'],
  [11, 0, 0, 'Time to live exceeded\n'],
  [12, 0, 20, 'Parameter problem: pointer = 20\n'],
])('ICMP type %d code %d is described', (type, code, info, text) => {
  expect(describeIcmp(type, code, info, formatIpv4)).toBe(text);
});

const option = (bytes: number[], addresses: string[]) => {
  const out = new Uint8Array(40);
  out.set(bytes);
  for (const [i, address] of addresses.entries()) putIpv4(out, 3 + 4 * i, parseIpv4(address)!);
  return out;
};

test('a recorded route is shown once, then called the same', () => {
  const printer = new OptionPrinter(formatIpv4, false);
  const hops = ['10.0.0.1', '10.0.1.254', '10.0.1.2', '10.0.1.2', '10.0.0.254', '10.0.0.1'];
  const bytes = option([7, 39, 4 + 4 * hops.length], hops);
  expect(printer.describe(bytes, 0, 40)).toBe(`\nRR: ${hops.map((hop) => `\t${hop}\n`).join('')}`);
  expect(printer.describe(bytes, 0, 40)).toBe('\t(same route)');
});

test('time stamps with addresses count from the first, and unrecorded hops are told', () => {
  const bytes = new Uint8Array(36);
  bytes.set([68, 36, 37, 0x21]);
  ['10.0.0.1', '10.0.0.254', '10.0.1.2', '10.0.1.2'].forEach((address, i) => {
    putIpv4(bytes, 4 + 8 * i, parseIpv4(address)!);
    putU32(bytes, 8 + 8 * i, 46_233_212);
  });
  expect(new OptionPrinter(formatIpv4, false).describe(bytes, 0, 36)).toBe(
    '\nTS: \t10.0.0.1\t46233212 absolute\n\t10.0.0.254\t0\n\t10.0.1.2\t0\n\t10.0.1.2\t0\nUnrecorded hops: 2\n',
  );
});

test('options cut short or of no length do not run on', () => {
  const printer = new OptionPrinter(formatIpv4, false);
  expect(printer.describe(Uint8Array.of(1, 7, 0), 0, 3)).toBe('\nNOP');
  expect(printer.describe(Uint8Array.of(7, 39, 8, 1), 0, 4)).toBe('');
  expect(printer.describe(Uint8Array.of(0x94, 4, 0, 0), 0, 4)).toBe('\nunknown option 94');
});

/** What is masked in a frame, and what is not. */
import { describe, expect, it } from 'vitest';
import { frameKey, maskFrame } from '../../src/lab/mask-frame.ts';
import { RandomAddresses } from '../../src/lab/random-address.ts';
import { putU16, u16At } from '../../src/wire/addr.ts';
import { checksum } from '../../src/wire/checksum.ts';
import { tablesOf } from './tables.ts';

const bytes = (hex: string) =>
  Uint8Array.from(hex.replaceAll(' ', '').match(/../g)!, (two) => Number.parseInt(two, 16));
const hex = (data: Uint8Array) => Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');

const ETHERNET = '020000000002 020000000001 0800';

/** An echo request of ping: IP identifier, echo identifier and payload can be chosen; checksums are right. */
function echo(id: number, echoId: number, payload: string, ethernet = ETHERNET): Uint8Array {
  const data = bytes(payload);
  const head = bytes(`${ethernet} 45000000 0000 4000 4001 0000 0a000001 0a000002 0800 0000 0000 0001`);
  const frame = new Uint8Array([...head, ...data]);
  const ip = bytes(ethernet).length;
  putU16(frame, ip + 2, frame.length - ip);
  putU16(frame, ip + 4, id);
  putU16(frame, ip + 24, echoId);
  putU16(frame, ip + 10, checksum(frame, ip, ip + 20));
  putU16(frame, ip + 22, checksum(frame, ip + 20, frame.length));
  return frame;
}

const TIME_ONE = '1122334455667788 99aabbccddeeff00';
const TIME_TWO = '8877665544332211 00ffeeddccbbaa99';

describe('a frame of ping', () => {
  it('is the same whatever its identifiers and time of day', () => {
    const one = maskFrame(echo(7, 100, `${TIME_ONE} 1011`));
    const other = maskFrame(echo(9, 200, `${TIME_TWO} 1011`));
    expect(hex(one)).toBe(hex(other));
  });

  it('differs in its payload behind the time of day', () => {
    expect(hex(maskFrame(echo(7, 1, `${TIME_ONE} 1011`)))).not.toBe(hex(maskFrame(echo(7, 1, `${TIME_ONE} 1012`))));
  });

  it('differs when one has no identifier', () => {
    expect(hex(maskFrame(echo(7, 1, TIME_ONE)))).not.toBe(hex(maskFrame(echo(0, 1, TIME_ONE))));
  });

  it('differs when a checksum of one is wrong', () => {
    const wrong = echo(7, 1, TIME_ONE);
    putU16(wrong, 36, u16At(wrong, 36) ^ 0x0101);
    expect(hex(maskFrame(wrong))).not.toBe(hex(maskFrame(echo(7, 1, TIME_ONE))));
    const wrongHeader = echo(7, 1, TIME_ONE);
    putU16(wrongHeader, 24, u16At(wrongHeader, 24) ^ 0x0101);
    expect(hex(maskFrame(wrongHeader))).not.toBe(hex(maskFrame(echo(7, 1, TIME_ONE))));
  });

  it('is masked behind a VLAN tag, and the tag is kept', () => {
    const tagged = (vlan: string) => `020000000002 020000000001 8100 ${vlan} 0800`;
    const one = maskFrame(echo(7, 1, TIME_ONE, tagged('000b')));
    expect(hex(one)).toBe(hex(maskFrame(echo(8, 2, TIME_TWO, tagged('000b')))));
    expect(hex(one)).not.toBe(hex(maskFrame(echo(7, 1, TIME_ONE, tagged('000c')))));
  });

  it('is masked within an error about it', () => {
    const error = (id: number, echoId: number) => {
      const inner = echo(id, echoId, TIME_ONE).subarray(14);
      const frame = new Uint8Array([
        ...bytes(`${ETHERNET} 45c00000 0000 0000 4001 0000 0a000009 0a000001 0301 0000 0000 0000`),
        ...inner,
      ]);
      putU16(frame, 16, frame.length - 14);
      putU16(frame, 24, checksum(frame, 14, 34));
      putU16(frame, 36, checksum(frame, 34, frame.length));
      return hex(maskFrame(frame));
    };
    expect(error(7, 100)).toBe(error(9, 200));
  });
});

describe('a datagram', () => {
  const udp = (from: string, to: string, sum: string) =>
    hex(maskFrame(bytes(`${ETHERNET} 4500001e 0001 4000 4011 26cb 0a000001 0a000002 ${from} ${to} 000a ${sum} 6869`)));

  it('is the same whatever port its sender was given', () => {
    expect(udp('8123', '0007', '0000')).toBe(udp('c123', '0007', '0000'));
    expect(udp('0007', '0009', '0000')).not.toBe(udp('0008', '0009', '0000'));
  });

  it('keeps the sum over the pseudo-header that waits for the device', () => {
    expect(udp('8123', '0007', '141b')).toBe(udp('c123', '0007', '141b'));
    expect(udp('8123', '0007', '141b')).not.toBe(udp('8123', '0007', '141c'));
  });
});

describe('what is cut short or strange', () => {
  it('is compared as it is', () => {
    for (const text of [
      '',
      '0200',
      `${ETHERNET} 45`,
      `${ETHERNET} 4f00 0014 0000 0000`,
      '0180c2000000 020000000001 0026 4242',
    ]) {
      const frame = bytes(text === '' ? '00' : text);
      expect(hex(maskFrame(frame))).toBe(hex(frame));
    }
  });

  it('does not fail, whatever the bytes are', () => {
    const whole = echo(7, 1, TIME_ONE);
    for (let length = 0; length < whole.length; length++) {
      for (const protocol of [1, 6, 17, 58]) {
        const frame = whole.slice(0, length);
        if (length > 23) frame[23] = protocol;
        expect(maskFrame(frame)).toHaveLength(length);
      }
    }
  });
});

describe('a random hardware address', () => {
  const addresses = new RandomAddresses(tablesOf({ links: [{ ifname: 'v0', address: '1a:2b:3c:4d:5e:6f' }] }));

  it('is named after its device, wherever in the frame it is', () => {
    const key = frameKey(bytes('ffffffffffff 1a2b3c4d5e6f 0806 0001 1a2b3c4d5e6f'), addresses);
    expect(key).toBe('ffffffffffff<v0>08060001<v0>');
  });

  it('is known in the IPv6 addresses and groups that are made of it', () => {
    expect(frameKey(bytes('3333ff4d5e6f fe80000000000000 182b3cfffe4d5e6f'), addresses)).toBe(
      '<group of v0>fe80000000000000<EUI-64 of v0>',
    );
    expect(addresses.inText('fe80::182b:3cff:fe4d:5e6f and 33:33:ff:4d:5e:6f of 1a:2b:3c:4d:5e:6f')).toBe(
      'fe80::<EUI-64 of v0> and <group of v0> of <v0>',
    );
  });

  it('of a device that is gone is one like another; one that a lab has set stays', () => {
    expect(addresses.inText('aa:bb:cc:dd:ee:ff 02:00:00:00:00:01')).toBe('<gone> 02:00:00:00:00:01');
  });
});

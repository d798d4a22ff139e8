/** Commands that bring a capture file to a lab's machine. */
import { describe, expect, it } from 'vitest';
import { captureOf, checkCapture, putCommands, sendCommand } from '../../src/lab/replay.ts';
import { TwinMachine } from '../../src/lab/twin-machine.ts';

describe('a capture file', () => {
  it('arrives as it is, whatever its size', async () => {
    for (const size of [1, 2, 3, 57, 48 * 1024, 100_001]) {
      const file = Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 255);
      const machine = new TwinMachine({ seed: 1, terminal: false, sink: () => undefined });
      for (const command of putCommands(file)) expect(await machine.command(command)).toBe(0);
      expect(machine.readFile('/run/replay.pcap')).toEqual(file);
      await machine.stop();
    }
  });

  it('is made of frames at equal distances', () => {
    const file = captureOf([new Uint8Array(14), new Uint8Array(20)], 1.5);
    expect(checkCapture(file)).toEqual({ frames: 2, file });
  });

  it('is looked at before it is used', () => {
    const file = captureOf([new Uint8Array(14)], 0);
    const raw = file.slice();
    raw[20] = 101;
    expect(checkCapture(raw)).toEqual({ error: 'its frames are of type RAW; Ethernet (EN10MB) is needed' });
    expect(checkCapture(file.subarray(0, 24))).toEqual({ error: 'there is no frame in it' });
    expect(checkCapture(new Uint8Array(3))).toEqual({
      error: 'not a capture file: truncated dump file; tried to read 4 file header bytes, only got 3',
    });
    const partly = file.slice();
    partly[36] = 99;
    expect(checkCapture(partly)).toMatchObject({
      frames: 1,
      warning: '1 of 1 frames were captured in part and are sent so',
    });
  });
});

describe('the command that sends', () => {
  it('names the namespace, quotes what needs it', () => {
    expect(sendCommand({ device: 'v0', direction: 'out' }, [])).toBe('tcpreplay -i v0 /run/replay.pcap');
    expect(sendCommand({ namespace: "it's", device: 'v0', direction: 'out' }, ['--topspeed'])).toBe(
      "ip netns exec 'it'\\''s' tcpreplay --topspeed -i v0 /run/replay.pcap",
    );
  });

  it('finds the other end in any namespace', async () => {
    let output = '';
    const decoder = new TextDecoder();
    const machine = new TwinMachine({
      seed: 1,
      terminal: false,
      sink: (_, data) => {
        output += decoder.decode(data);
      },
    });
    await machine.command('ip netns add a; ip netns add b; ip link add v0 netns a type veth peer name v1 netns b');
    await machine.command('ip -n a link set v0 up; ip -n b link set v1 up');
    for (const command of putCommands(captureOf([new Uint8Array(14)], 0))) await machine.command(command);
    expect(await machine.command(sendCommand({ namespace: 'a', device: 'v0', direction: 'in' }, []))).toBe(0);
    expect(output).toContain('Statistics for network device: v1\n');
    await machine.stop();
  });
});

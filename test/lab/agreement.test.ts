/** Two runs of a lab compared: what counts as a difference, and what is masked. */
import { describe, expect, it } from 'vitest';
import { compareRuns, percentOf, type RanCommand } from '../../src/lab/agreement.ts';

const ran = (output: string, more: Partial<RanCommand> = {}): RanCommand => ({
  command: 'true',
  line: 1,
  output,
  status: 0,
  expected: [],
  ...more,
});

const compare = (first: RanCommand[], second: RanCommand[]) =>
  compareRuns({ backend: 'twin', commands: first }, { backend: 'kernel', commands: second });

describe('two runs of a lab', () => {
  it('agree when only times, identifiers and random addresses differ', () => {
    const one = ran(
      '64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.010 ms\nlink/ether 1a:2b:3c:4d:5e:6f brd ff:ff:ff:ff:ff:ff\n',
    );
    const other = ran(
      '64 bytes from 10.0.0.2: icmp_seq=1 ttl=64 time=0.123 ms\nlink/ether aa:bb:cc:dd:ee:f0 brd ff:ff:ff:ff:ff:ff\n',
    );
    expect(compare([one], [other])).toMatchObject({ lines: 2, agreeingLines: 2, disagreements: [] });
  });

  it('differ when a random address comes back where another one was', () => {
    const one = ran('link/ether 1a:2b:3c:4d:5e:6f\nlink/ether 1a:2b:3c:4d:5e:6f\n');
    const other = ran('link/ether 1a:2b:3c:4d:5e:6f\nlink/ether 1a:2b:3c:4d:5e:70\n');
    expect(compare([one], [other])).toMatchObject({ lines: 2, agreeingLines: 1, agreeingCommands: 0 });
  });

  it('differ when an address that the lab set differs', () => {
    const { disagreements } = compare([ran('ether 02:00:00:00:00:01\n')], [ran('ether 02:00:00:00:00:02\n')]);
    expect(disagreements[0]?.diff).toEqual([
      { kind: 'first', text: 'ether 02:00:00:00:00:01' },
      { kind: 'second', text: 'ether 02:00:00:00:00:02' },
    ]);
  });

  it('agree on the hold timer of a port, whether it runs or not, but not on whether others run', () => {
    const timer = (name: string, left: string) => [ran(` designated cost\t   0\t\t\t${name}\t\t   ${left}\n`)];
    expect(compare(timer('hold timer', '0.00'), timer('hold timer', '0.31')).agreeingCommands).toBe(1);
    expect(compare(timer('tcn timer', '0.00'), timer('tcn timer', '0.31')).agreeingCommands).toBe(0);
  });

  it('differ in an exit status alone', () => {
    const result = compare([ran('x\n')], [ran('x\n', { status: 2 })]);
    expect(result).toMatchObject({ lines: 1, agreeingLines: 1, agreeingCommands: 0 });
    expect(result.disagreements[0]?.statuses).toEqual(['0', '2']);
  });

  it('count the lines of a command that one of them never ran', () => {
    expect(compare([ran('a\nb\n'), ran('c\n')], [ran('a\nb\n')])).toMatchObject({
      commands: 2,
      lines: 3,
      agreeingLines: 2,
      disagreements: [{ statuses: ['0', 'did not run'] }],
    });
  });

  it('take dots and brackets that were printed as they are', () => {
    expect(compare([ran('...\n[..]\n')], [ran('a\nb\n')]).agreeingLines).toBe(0);
  });

  it('leave open what the document leaves open, and only that', () => {
    const expected = ['id [..]', 'fixed'];
    const one = ran('id 7\nfixed\n', { expected });
    expect(compare([one], [ran('id 8\nfixed\n', { expected })]).disagreements).toEqual([]);
    expect(compare([one], [ran('id 8\nother\n', { expected })]).agreeingLines).toBe(1);
  });

  it('sort the dump of a table, but no other output', () => {
    const order = [ran('b\na\n'), ran('a\nb\n')] as const;
    const dump = order.map((one) => ({ ...one, command: 'ip -n ns1 neigh show' }));
    expect(compare([dump[0]!], [dump[1]!]).disagreements).toEqual([]);
    expect(compare([order[0]], [order[1]]).agreeingLines).toBe(1);
  });

  it('agree by a percentage that is 100 only when all do', () => {
    expect([percentOf(9999, 10000), percentOf(5, 5), percentOf(0, 0)]).toEqual(['99.9', '100', '100']);
  });
});

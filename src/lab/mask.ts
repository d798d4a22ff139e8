/**
 * What is masked or sorted before output of two machines is compared, each with its reason. Nothing
 * else is: a difference that no rule here covers is a difference.
 */

export interface MaskRule {
  reason: string;
  pattern: RegExp;
  replacement: string;
}

export const MASK_RULES: readonly MaskRule[] = [
  { reason: 'round-trip times depend on the machine', pattern: /time[=<][0-9.]+ ms/g, replacement: 'time=T ms' },
  { reason: 'the run time of ping includes scheduling', pattern: /, time [0-9]+ms$/g, replacement: ', time Tms' },
  { reason: 'round-trip times depend on the machine', pattern: /^rtt .*/g, replacement: 'rtt T' },
  { reason: 'round-trip times depend on the machine', pattern: / [0-9.]+ms$/g, replacement: ' Tms' },
  { reason: 'times of day', pattern: /^\d\d:\d\d:\d\d\.\d{6}/g, replacement: 'T' },
  { reason: 'identifiers of echo requests are process numbers', pattern: /\bid \d+, seq/g, replacement: 'id N, seq' },
  { reason: 'identifiers of echo requests are process numbers', pattern: /\bident=\d+/g, replacement: 'ident=N' },
  { reason: 'IP identifiers are random', pattern: /\bid \d+, offset/g, replacement: 'id N, offset' },
  {
    reason: 'some kernels are built without zones of connection tracking (CONFIG_NF_CONNTRACK_ZONES)',
    pattern: / zone=0\b/g,
    replacement: '',
  },
  {
    reason: 'a quarter of 125 s is rounded to the ticks of the kernel (CONFIG_HZ)',
    pattern: /(mcast_startup_query_int(?:er)?v(?:a)?l"?[ :]+)312[45]\b/g,
    replacement: '$13125',
  },
  {
    reason: 'the window scale of TCP follows from the size of the memory',
    pattern: /wscale \d+/g,
    replacement: 'wscale W',
  },
  { reason: 'ages depend on how fast commands start', pattern: /\bused \d+\/\d+\/\d+/g, replacement: 'used A' },
  {
    reason: 'whether a port has just begun to forward, or just sent a BPDU, depends on how fast commands start',
    pattern: /((?:forward[_ ]delay|hold)[_ ]timer"?:?)\s*\d+\.\d\d\b/g,
    replacement: '$1 T',
  },
  {
    reason: 'how long a timer has left depends on how fast commands start',
    pattern: /(timer"?:?)\s*(?!\s|0\.00)\d+\.\d\d\b/g,
    replacement: '$1 T',
  },
  {
    reason: 'ports that the kernel chooses are random',
    pattern: /\b(\d+\.\d+\.\d+\.\d+)\.(?:3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[45]\d{4}|60\d{3})(?= >|: )/g,
    replacement: '$1.P',
  },
  {
    reason: 'how long sending takes depends on the machine',
    pattern: /( sent in) [0-9.]+ seconds$/g,
    replacement: '$1 T seconds',
  },
  { reason: 'how long sending takes depends on the machine', pattern: /^Rated: .* pps$/g, replacement: 'Rated: R' },
  { reason: 'how long sending takes depends on the machine', pattern: /, [0-9.]+ fps, /g, replacement: ', F fps, ' },
];

/** Addresses that a lab sets, which are compared as they are; others are random and get names in order. */
export const FIXED_MAC: RegExp = /^(02:00:00:|01:|33:33:|ff:ff:ff:ff:ff:ff|00:00:00:00:00:00)/;
const MAC = /\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g;

/** Commands whose lines come in an order that no one has decided, so that they are sorted first. */
export const SORT_RULES: readonly { reason: string; command: RegExp }[] = [
  {
    reason: 'neighbours and forwarding entries are dumped in the order of a hash with a random key',
    command: /\b(neigh|neighbor|neighbour|fdb|arp)\b|\bip( -\S+)* n\b/,
  },
];

/** Masks the outputs of one run: random addresses keep their names from command to command. */
export class Masker {
  readonly #names = new Map<string, string>();

  /** Lines of output ready to be compared; `command` is what printed them. */
  lines(text: string, command = ''): string[] {
    const lines = text
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => {
        let masked = line;
        for (const { pattern, replacement } of MASK_RULES) masked = masked.replace(pattern, replacement);
        return masked.replace(MAC, (mac) => this.#nameMac(mac));
      });
    return SORT_RULES.some((rule) => rule.command.test(command)) ? lines.sort() : lines;
  }

  #nameMac(mac: string): string {
    if (FIXED_MAC.test(mac)) return mac;
    const name = this.#names.get(mac) ?? `MAC${this.#names.size + 1}`;
    this.#names.set(mac, name);
    return name;
  }
}

/** Lines of one output ready to be compared. */
export function maskLines(text: string): string[] {
  return new Masker().lines(text);
}

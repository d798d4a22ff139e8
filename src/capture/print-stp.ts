/** The spanning tree protocols: 802.1d, 802.1w and 802.1s. */
import { type Dissection, hex2, hex4, hex8 } from './dissection.ts';
import { bitNames, type Names, named } from './tokens.ts';

const RAPID = 2;
const MSTP = 3;
const SPB = 4;
/** Time fields are in 1/256 second. */
const TIME_BASE = 256;
/** Octets of a configuration message with the version 1 length. */
const BPDU = 36;

const VERSIONS: Names = new Map([
  [0, '802.1d'],
  [RAPID, '802.1w'],
  [MSTP, '802.1s'],
  [SPB, '802.1aq'],
]);

const FLAGS: Names = new Map([
  [0x01, 'Topology change'],
  [0x02, 'Proposal'],
  [0x10, 'Learn'],
  [0x20, 'Forward'],
  [0x40, 'Agreement'],
  [0x80, 'Topology change ACK'],
]);

const TYPES: Names = new Map([
  [0x00, 'Config'],
  [0x02, 'Rapid STP'],
  [0x80, 'Topology Change'],
]);

const ROLES: Names = new Map([
  [0, 'Unknown'],
  [1, 'Alternate'],
  [2, 'Root'],
  [3, 'Designated'],
]);

function role(flags: number): string {
  return named(ROLES, (flags >>> 2) & 3, 'Unknown');
}

function bridgeId(d: Dissection, at: number): string {
  d.need(at, 8);
  const octets = Array.from(d.bytes.subarray(at, at + 8), hex2);
  return `${octets[0]}${octets[1]}.${octets.slice(2).join(':')}`;
}

/** With two decimals, ties to even as printf has them. */
function seconds(d: Dissection, at: number): string {
  const scaled = d.u16(at) * 100;
  const rest = scaled % TIME_BASE;
  let hundredths = (scaled - rest) / TIME_BASE;
  if (rest > TIME_BASE / 2 || (rest === TIME_BASE / 2 && hundredths % 2 === 1)) hundredths++;
  return `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')}s`;
}

export function stpPrint(d: Dissection, at: number, length: number): void {
  d.protocol = 'stp';
  if (length < 4) {
    d.printInvalid();
    return;
  }
  if (d.u16(at) !== 0) {
    d.print(`unknown STP version, length ${length}`);
    return;
  }
  const version = d.u8(at + 2);
  d.print(`STP ${named(VERSIONS, version, `Unknown STP protocol (0x${hex2(version)})`)}`);
  if (!VERSIONS.has(version)) return;
  const type = d.u8(at + 3);
  d.print(`, ${named(TYPES, type, `Unknown BPDU Type (0x${hex2(type)})`)}`);
  if (type === 0) {
    if (length < BPDU - 1) d.printInvalid();
    else configPrint(d, at, length);
  } else if (type === 2 && version === RAPID) {
    if (length < BPDU) d.printInvalid();
    else configPrint(d, at, length);
  } else if (type === 2 && (version === MSTP || version === SPB)) {
    mstpPrint(d, at, length, version);
  }
}

function timesPrint(d: Dissection, at: number): void {
  d.print(
    `\n\tmessage-age ${seconds(d, at + 27)}, max-age ${seconds(d, at + 29)}` +
      `, hello-time ${seconds(d, at + 31)}, forwarding-delay ${seconds(d, at + 33)}`,
  );
}

function configPrint(d: Dissection, at: number, length: number): void {
  const flags = d.u8(at + 4);
  d.print(`, Flags [${bitNames(FLAGS, flags, 'none')}]`);
  d.print(`, bridge-id ${bridgeId(d, at + 17)}.${hex4(d.u16(at + 25))}, length ${length}`);
  if (d.options.v === 0) return;
  timesPrint(d, at);
  d.print(`\n\troot-id ${bridgeId(d, at + 5)}, root-pathcost ${d.u32(at + 13)}`);
  if (d.u8(at + 2) === RAPID) d.print(`, port-role ${role(flags)}`);
}

function mstpPrint(d: Dissection, at: number, length: number, version: number): void {
  if (length < 102 || d.u8(at + 35) !== 0) {
    d.printInvalid();
    return;
  }
  const version3Length = d.u16(at + 36) + 2;
  if (length < BPDU + version3Length) {
    d.printInvalid();
    return;
  }
  instancesPrint(d, at, length);
  if (version !== SPB) return;
  const version4Length = d.u16(at + 36 + version3Length) + 2;
  if (length < BPDU + version3Length + version4Length || version4Length < 87) {
    d.printInvalid();
    return;
  }
  if (d.options.v > 0) pathBridgingPrint(d, at + BPDU + version3Length);
}

function digest(d: Dissection, at: number, words: number): string {
  let text = '';
  for (let index = 0; index < words; index++) text += hex8(d.u32(at + 4 * index));
  return text;
}

function namePrint(d: Dissection, at: number): void {
  for (let index = at; index < at + 32; index++) {
    const octet = d.u8(index);
    if (octet === 0) break;
    d.printCharacter(octet);
  }
}

function instancesPrint(d: Dissection, at: number, length: number): void {
  const flags = d.u8(at + 4);
  d.print(`, CIST Flags [${bitNames(FLAGS, flags, 'none')}], length ${length}`);
  if (d.options.v === 0) return;
  d.print(`\n\tport-role ${role(flags)}, `);
  d.print(`CIST root-id ${bridgeId(d, at + 5)}, CIST ext-pathcost ${d.u32(at + 13)}`);
  d.print(`\n\tCIST regional-root-id ${bridgeId(d, at + 17)}, `);
  d.print(`CIST port-id ${hex4(d.u16(at + 25))},`);
  timesPrint(d, at);
  d.print(`\n\tv3len ${d.u16(at + 36)}, `);
  d.print('MCID Name ');
  namePrint(d, at + 39);
  d.print(`, rev ${d.u16(at + 71)},\n\t\tdigest ${digest(d, at + 73, 4)}, `);
  d.print(`CIST int-root-pathcost ${d.u32(at + 89)},`);
  d.print(`\n\tCIST bridge-id ${bridgeId(d, at + 93)}, `);
  d.print(`CIST remaining-hops ${d.u8(at + 101)}`);
  let instance = at + 102;
  for (let left = d.u16(at + 36) - 64; left >= 16; left -= 16, instance += 16) {
    const instanceFlags = d.u8(instance);
    d.print(
      `\n\tMSTI ${d.u16(instance + 1) & 0x0fff}, Flags [${bitNames(FLAGS, instanceFlags, 'none')}], port-role ${role(instanceFlags)}`,
    );
    d.print(`\n\t\tMSTI regional-root-id ${bridgeId(d, instance + 1)}, pathcost ${d.u32(instance + 9)}`);
    d.print(
      `\n\t\tMSTI bridge-prio ${d.u8(instance + 13) >>> 4}, port-prio ${d.u8(instance + 14) >>> 4}, hops ${d.u8(instance + 15)}`,
    );
  }
}

/** What shortest path bridging adds. */
function pathBridgingPrint(d: Dissection, at: number): void {
  d.print(`\n\tv4len ${d.u16(at)}, `);
  d.print('AUXMCID Name ');
  namePrint(d, at + 3);
  d.print(`, Rev ${d.u16(at + 35)},\n\t\tdigest ${digest(d, at + 37, 4)}`);
  const agreement = d.u8(at + 53);
  const format = d.u8(at + 55);
  const convention = d.u8(at + 56);
  d.print(
    `\n\tAgreement num ${agreement >>> 6}, Discarded Agreement num ${(agreement >>> 4) & 3}` +
      `, Agreement valid-flag ${(agreement >>> 3) & 1},\n\tRestricted role-flag: ${(agreement >>> 2) & 1}` +
      `, Format id ${format >>> 4} cap ${format}, Convention id ${convention >>> 4} cap ${convention}` +
      `,\n\tEdge count ${d.u16(at + 57)}, Agreement digest ${digest(d, at + 67, 5)}`,
  );
}

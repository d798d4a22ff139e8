/** Extensions on a packet's connection as a whole: connmark, CONNMARK, CT, NOTRACK. */
import type { XtConnmarkTarget, XtMatch, XtTarget } from '../../uapi/xtables.ts';
import { type Extension, type ExtensionOption, not } from './extension.ts';
import { formatHex, formatMarkMask } from './numbers.ts';

type Connmark = Extract<XtMatch, { name: 'connmark' }>;
type Ct = Extract<XtTarget, { name: 'CT' }>;

const ALL = 0xffff_ffff;

export const connmarkMatch: Extension<Connmark> = {
  name: 'connmark',
  options: [{ name: 'mark', id: 'mark', type: 'markmask32', mandatory: true, invert: true }],
  help: 'connmark match options:\n[!] --mark value[/mask]    Match ctmark value with optional mask\n',
  init: () => ({ name: 'connmark', mark: 0, mask: 0, invert: false }),
  parse({ value, invert }, data) {
    data.mark = value.number;
    data.mask = value.mask;
    data.invert = invert;
  },
  print: ({ mark, mask, invert }) => ` connmark match ${invert ? '!' : ''}${formatMarkMask(mark, mask)}`,
  save: ({ mark, mask, invert }) => `${not(invert)} --mark${formatMarkMask(mark, mask)}`,
};

const OPERATIONS = ['set-xmark', 'set-mark', 'and-mark', 'or-mark', 'xor-mark', 'save-mark', 'restore-mark'];

function shiftText({ shift }: XtConnmarkTarget, dashes: string): string {
  if (shift === 0) return '';
  return shift > 0 ? ` ${dashes}left-shift-mark ${shift}` : ` ${dashes}right-shift-mark ${-shift}`;
}

function setText(mark: number, mask: number): string {
  if (mark === 0) return `and ${formatHex(~mask)}`;
  if (mark === mask) return `or ${formatHex(mark)}`;
  if (mask === 0) return `xor ${formatHex(mark)}`;
  return mask === ALL ? `set ${formatHex(mark)}` : `xset ${formatHex(mark)}/${formatHex(mask)}`;
}

export const connmarkTarget: Extension<XtConnmarkTarget> = {
  name: 'CONNMARK',
  options: [
    ...OPERATIONS.map((id): ExtensionOption => {
      const option = { name: id, id, exclusive: OPERATIONS };
      if (id === 'save-mark' || id === 'restore-mark') return option;
      return { ...option, type: id.startsWith('set') ? 'markmask32' : 'uint32' };
    }),
    { name: 'left-shift-mark', id: 'left', type: 'uint32', max: 32 },
    { name: 'right-shift-mark', id: 'right', type: 'uint32', max: 32 },
    { name: 'ctmask', id: 'ctmask', type: 'uint32', exclusive: ['mask'] },
    { name: 'nfmask', id: 'nfmask', type: 'uint32', exclusive: ['mask'] },
    { name: 'mask', id: 'mask', type: 'uint32', exclusive: ['ctmask', 'nfmask'] },
  ],
  help:
    'CONNMARK target options:\n  --set-xmark value[/ctmask]    Zero mask bits and XOR ctmark with value\n' +
    '  --save-mark [--ctmask mask] [--nfmask mask]\n' +
    '                                Copy ctmark to nfmark using masks\n' +
    '  --restore-mark [--ctmask mask] [--nfmask mask]\n' +
    '                                Copy nfmark to ctmark using masks\n' +
    '  --set-mark value[/mask]       Set conntrack mark value\n' +
    '  --save-mark [--mask mask]     Save the packet nfmark in the connection\n' +
    '  --restore-mark [--mask mask]  Restore saved nfmark value\n' +
    '  --and-mark value              Binary AND the ctmark with bits\n' +
    '  --or-mark value               Binary OR  the ctmark with bits\n' +
    '  --xor-mark value              Binary XOR the ctmark with bits\n' +
    '  --left-shift-mark value       Left shift the ctmark with bits\n' +
    '  --right-shift-mark value      Right shift the ctmark with bits\n',
  init: () => ({ name: 'CONNMARK', mode: 'set', ctmark: 0, ctmask: ALL, nfmask: ALL, shift: 0 }),
  parse({ option, value: { number, mask } }, data) {
    const set = (ctmark: number, ctmask: number) => {
      data.mode = 'set';
      data.ctmark = ctmark;
      data.ctmask = ctmask >>> 0;
    };
    switch (option.id) {
      case 'set-xmark':
        return set(number, mask);
      case 'set-mark':
        return set(number, number | mask);
      case 'and-mark':
        return set(0, ~number);
      case 'or-mark':
        return set(number, number);
      case 'xor-mark':
        return set(number, 0);
      case 'save-mark':
        data.mode = 'save';
        return;
      case 'restore-mark':
        data.mode = 'restore';
        return;
      case 'left':
        data.shift = number;
        return;
      case 'right':
        data.shift = -number;
        return;
      case 'mask':
        data.nfmask = number;
        data.ctmask = number;
        return;
      default:
        data[option.id as 'ctmask' | 'nfmask'] = number;
    }
  },
  check(ctx, used) {
    if (!OPERATIONS.some((id) => used.has(id))) ctx.bad('CONNMARK target: No operation specified');
  },
  print(data) {
    const { mode, ctmark, ctmask, nfmask } = data;
    const [from, to] = mode === 'save' ? ['nfmask', 'ctmask'] : ['ctmask', 'nfmask'];
    const [left, right] = mode === 'save' ? [nfmask, ctmask] : [ctmask, nfmask];
    let text = ` CONNMARK ${mode === 'set' ? setText(ctmark, ctmask) : mode}`;
    if (mode !== 'set' && left === right) text += left === ALL ? '' : ` mask ${formatHex(left)}`;
    else if (mode !== 'set') text += ` ${from} ${formatHex(left)} ${to} ~${formatHex(right)}`;
    return text + shiftText(data, '');
  },
  save(data) {
    const { mode, ctmark, ctmask, nfmask } = data;
    const text =
      mode === 'set'
        ? ` --set-xmark ${formatHex(ctmark)}/${formatHex(ctmask)}`
        : ` --${mode}-mark --nfmask ${formatHex(nfmask)} --ctmask ${formatHex(ctmask)}`;
    return text + shiftText(data, '--');
  },
};

const CT_HELP =
  "CT target options:\n --notrack\t\t\tDon't track connection\n" +
  " --helper name\t\t\tUse conntrack helper 'name' for connection\n" +
  " --timeout name \t\tUse timeout policy 'name' for connection\n" +
  ' --ctevents event[,event...]\tGenerate specified conntrack events for connection\n' +
  ' --expevents event[,event...]\tGenerate specified expectation events for connection\n' +
  ' --zone {ID|mark}\t\tAssign/Lookup connection in zone ID/packet nfmark\n' +
  " --zone-orig {ID|mark}\t\tSame as 'zone' option, but only applies to ORIGINAL direction\n" +
  " --zone-reply {ID|mark} \tSame as 'zone' option, but only applies to REPLY direction\n";

export const ctTarget: Extension<Ct> = {
  name: 'CT',
  options: [{ name: 'notrack', id: 'notrack' }],
  help: CT_HELP,
  init: () => ({ name: 'CT', notrack: false, alias: false }),
  parse(_call, data) {
    data.notrack = true;
  },
  print: ({ notrack, alias }) => (alias ? ' NOTRACK' : ` CT${notrack ? ' notrack' : ''}`),
  save: ({ notrack, alias }) => (notrack && !alias ? ' --notrack' : ''),
};

/** CT --notrack under its old name. */
export const notrackTarget: Extension<Ct> = {
  name: 'NOTRACK',
  options: [],
  help: 'NOTRACK does not take any options\n',
  init: () => ({ name: 'CT', notrack: true, alias: true }),
  parse() {},
  print: () => '',
  save: () => '',
};

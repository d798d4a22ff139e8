/** declare, typeset, local, readonly, export, unset. */
import {
  type ArrayAssignment,
  assignArray,
  assignScalar,
  becomeArray,
  becomeAssoc,
  checkWritable,
  convert,
  setElement,
} from '../assign.ts';
import type { Builtin } from '../builtin.ts';
import { CommandFailure } from '../error.ts';
import { parseLiteral } from '../literal.ts';
import { functionText } from '../print.ts';
import { quoteDouble, quoteIfNeeded } from '../quote.ts';
import type { Shell } from '../shell.ts';
import { arrayLiteral } from '../transform.ts';
import type { Variable } from '../variable.ts';
import { traceAssignment } from '../xtrace.ts';
import { invalidIdentifier, invalidOption, isIdentifier, readOptions } from './options.ts';

/** `declare -x name="value"`. */
export function declareLine(variable: Variable): string {
  const { attributes } = variable;
  const head = `declare -${attributes === '' ? '-' : attributes} ${variable.name}`;
  if (variable.isArray) {
    const empty = variable.keys.length === 0 && !variable.assigned;
    return empty ? `${head}\n` : `${head}=${arrayLiteral(variable)}\n`;
  }
  const value = variable.scalar;
  return value === undefined ? `${head}\n` : `${head}=${quoteDouble(value)}\n`;
}

/** `name=value` as `set` writes it. */
export function setLine(variable: Variable): string {
  if (variable.isArray) return `${variable.name}=${arrayLiteral(variable)}\n`;
  return `${variable.name}=${quoteIfNeeded(variable.scalar ?? '')}\n`;
}

interface Attributes {
  on: Set<string>;
  off: Set<string>;
}

const LETTERS = 'aAcfFgiIlnrtuxp';

function readAttributes(sh: Shell, argv: readonly string[]): { attributes: Attributes; next: number } | undefined {
  const attributes: Attributes = { on: new Set(), off: new Set() };
  let i = 1;
  for (; i < argv.length; i++) {
    const arg = argv[i]!;
    if (arg === '--') {
      i++;
      break;
    }
    if (!/^[-+]./.test(arg)) break;
    for (const letter of arg.slice(1)) {
      if (!LETTERS.includes(letter) || (argv[0] === 'local' && 'fF'.includes(letter) && false)) {
        invalidOption(sh, argv[0]!, `${arg[0]}${letter}`);
        return undefined;
      }
      (arg[0] === '-' ? attributes.on : attributes.off).add(letter);
    }
  }
  return { attributes, next: i };
}

function declareWith(localByDefault: boolean): Builtin {
  return (sh, argv, arrays = []) => {
    const read = readAttributes(sh, argv);
    if (read === undefined) return 2;
    const { attributes, next } = read;
    if (argv[0] === 'local' && !inFunction(sh)) {
      void sh.complainAs('local', 'can only be used in a function');
      return 1;
    }
    if (attributes.on.has('f') || attributes.on.has('F')) return functions(sh, argv, next, attributes);
    if (next === argv.length) return list(sh, argv[0]!, attributes);
    if (attributes.on.has('p')) return show(sh, argv, next);
    let status = 0;
    for (let i = next; i < argv.length; i++) {
      const done = declareOne(sh, argv[0]!, argv[i]!, arrays[i], attributes, localByDefault);
      if (!done) status = 1;
    }
    return status;
  };
}

function inFunction(sh: Shell): boolean {
  return sh.frames.some((frame) => frame.isFunction);
}

export const declare: Builtin = declareWith(true);
export const local: Builtin = (sh, argv, arrays) => {
  if (argv.length === 2 && argv[1] === '-') {
    saveOptions(sh);
    return 0;
  }
  return declare(sh, argv, arrays);
};

function saveOptions(sh: Shell): void {
  const scope = sh.vars.scopes.findLast((each) => !each.temporary);
  if (scope === undefined) return;
  const options = new Set(sh.options);
  scope.options = () => {
    sh.options.clear();
    for (const option of options) sh.options.add(option);
  };
}

/** `name`, `name=value`, `name+=value`, `name[index]=value`. */
function split(text: string): ArrayAssignment | string | undefined {
  const match = /^([A-Za-z_]\w*)(?:\[([^\]]*(?:\[[^\]]*\][^\]]*)*)\])?(\+?=)([\s\S]*)$/.exec(text);
  if (match === null) return isIdentifier(text) ? text : undefined;
  return { name: match[1]!, index: match[2], append: match[3] === '+=', value: match[4]!, text };
}

function declareOne(
  sh: Shell,
  builtin: string,
  text: string,
  array: ArrayAssignment | undefined,
  attributes: Attributes,
  localByDefault: boolean,
): boolean {
  const assignment = array ?? split(text);
  if (assignment === undefined) {
    const bare = /^([A-Za-z_]\w*)\[.*\]$/s.exec(text);
    if (bare !== null)
      return declareOne(
        sh,
        builtin,
        bare[1]!,
        undefined,
        { on: new Set([...attributes.on, 'a']), off: attributes.off },
        localByDefault,
      );
    invalidIdentifier(sh, builtin, text);
    return false;
  }
  const name = typeof assignment === 'string' ? assignment : assignment.name;
  try {
    const variable = target(sh, name, attributes, localByDefault);
    if (typeof assignment !== 'string' && variable.readonly) {
      void sh.complainAs(builtin, `${name}: readonly variable`);
      return false;
    }
    if (!applyAttributes(sh, builtin, variable, attributes)) return false;
    if (typeof assignment !== 'string') assignTo(sh, variable, assignment);
    if (attributes.on.has('r')) variable.readonly = true;
    if (attributes.on.has('n') && typeof assignment !== 'string') variable.nameref = true;
    return true;
  } catch (error) {
    if (error instanceof CommandFailure) return false;
    throw error;
  }
}

function target(sh: Shell, given: string, attributes: Attributes, localByDefault: boolean): Variable {
  if (localByDefault && !attributes.on.has('g') && inFunction(sh)) {
    return sh.vars.makeLocal(given, attributes.on.has('I') || sh.shopts.get('localvar_inherit') === true);
  }
  const name = attributes.on.has('n') || attributes.off.has('n') ? given : sh.targetName(given);
  return attributes.on.has('g') ? sh.vars.global(name) : sh.vars.ensure(name);
}

function applyAttributes(sh: Shell, builtin: string, variable: Variable, { on, off }: Attributes): boolean {
  if (on.has('A')) {
    if (variable.array !== undefined) {
      void sh.complainAs(builtin, `${variable.name}: cannot convert indexed to associative array`);
      return false;
    }
    const before = variable.value;
    const assoc = becomeAssoc(variable);
    if (before !== undefined) {
      assoc.set('0', before);
      variable.value = undefined;
    }
  } else if (on.has('a')) {
    if (variable.assoc !== undefined) {
      void sh.complainAs(builtin, `${variable.name}: cannot convert associative to indexed array`);
      return false;
    }
    becomeArray(variable);
  }
  if ((off.has('a') || off.has('A')) && variable.isArray) {
    void sh.complainAs(builtin, `${variable.name}: cannot destroy array variables in this way`);
    return false;
  }
  if (off.has('r') && variable.readonly) {
    void sh.complainAs(builtin, `${variable.name}: readonly variable`);
    return false;
  }
  if (on.has('i')) variable.integer = true;
  if (off.has('i')) variable.integer = false;
  if (on.has('l')) variable.letterCase = 'l';
  else if (on.has('u')) variable.letterCase = 'u';
  else if (on.has('c')) variable.letterCase = 'c';
  if ((off.has('l') && variable.letterCase === 'l') || (off.has('u') && variable.letterCase === 'u'))
    variable.letterCase = '';
  if (on.has('t')) variable.traced = true;
  if (off.has('t')) variable.traced = false;
  if (on.has('n')) variable.nameref = true;
  if (off.has('n')) variable.nameref = false;
  if (on.has('x') !== off.has('x') && on.has('x') !== variable.exported) {
    variable.exported = on.has('x');
    sh.vars.touchEnvironment();
  }
  return true;
}

function assignTo(sh: Shell, variable: Variable, assignment: ArrayAssignment): void {
  const { value } = assignment;
  if (typeof value !== 'string') {
    assignArray(sh, variable, value, assignment.append);
    return;
  }
  if (assignment.index !== undefined) {
    setElement(sh, variable, assignment.index, value, assignment.append);
    return;
  }
  if (variable.isArray && /^\(.*\)$/s.test(value)) {
    assignArray(sh, variable, parseLiteral(sh, value), assignment.append);
    return;
  }
  if (variable.nameref) {
    variable.value = value;
    return;
  }
  if (variable.set !== undefined) {
    variable.set(value);
    return;
  }
  checkWritable(sh, variable, variable.name);
  const before = assignment.append ? (variable.scalar ?? '') : '';
  const text = assignment.append && variable.integer ? `(${before || 0})+(${value || 0})` : before + value;
  const converted = convert(sh, variable, text);
  if (variable.array !== undefined) variable.array[0] = converted;
  else if (variable.assoc !== undefined) variable.assoc.set('0', converted);
  else variable.value = converted;
  if (variable.exported) sh.vars.touchEnvironment();
  if (variable.name === 'PATH') sh.commandHash.clear();
}

// ---------------------------------------------------------------- listing

function list(sh: Shell, builtin: string, { on }: Attributes): number {
  const scope = builtin === 'local' ? sh.vars.scopes.findLast((each) => !each.temporary) : undefined;
  const wanted = [...on].filter((letter) => 'aAilnrtux'.includes(letter));
  let out = '';
  for (const name of [...sh.vars.table.keys()].sort()) {
    const variable = sh.vars.table.get(name)!;
    if (scope !== undefined && !scope.saved.has(name)) continue;
    if (!wanted.every((letter) => variable.attributes.includes(letter))) continue;
    if (!variable.isSet && !variable.isArray && !on.has('p') && wanted.length === 0) continue;
    out += on.has('p') || wanted.length > 0 ? declareLine(variable) : setLine(variable);
  }
  if (builtin !== 'local' && !on.has('p') && wanted.length === 0) {
    for (const name of [...sh.functions.keys()].sort()) out += functionText(name, sh.functions.get(name)!.body);
  }
  void sh.write(1, out);
  return 0;
}

function show(sh: Shell, argv: readonly string[], next: number): number {
  let status = 0;
  let out = '';
  for (const name of argv.slice(next)) {
    const variable = sh.vars.get(name);
    if (variable === undefined) {
      void sh.complainAs(argv[0]!, `${name}: not found`);
      status = 1;
    } else out += declareLine(variable);
  }
  void sh.write(1, out);
  return status;
}

function functions(sh: Shell, argv: readonly string[], next: number, { on, off }: Attributes): number {
  const names = argv.slice(next);
  const all = names.length === 0;
  let status = 0;
  let out = '';
  for (const name of all ? [...sh.functions.keys()].sort() : names) {
    const definition = sh.functions.get(name);
    if (definition === undefined) {
      status = 1;
      continue;
    }
    if (on.has('x')) {
      definition.exported = true;
      sh.exportsFunctions = true;
    } else if (off.has('x')) definition.exported = false;
    else if (on.has('r')) sh.readonlyFunctions.add(name);
    else if (on.has('F')) {
      const place = sh.shopts.get('extdebug') === true ? ` ${definition.line} ${definition.file}` : '';
      out += all ? `declare -f${definition.exported ? 'x' : ''} ${name}\n` : `${name}${place}\n`;
    } else out += functionText(name, definition.body);
  }
  void sh.write(1, out);
  return status;
}

// ---------------------------------------------------------------- export, readonly, unset

function marker(name: 'export' | 'readonly'): Builtin {
  return (sh, argv, arrays = []) => {
    const options = readOptions(sh, argv, name === 'export' ? 'fnp' : 'aAfp');
    if (options === undefined) return 2;
    const { flags, next } = options;
    if (next === argv.length) {
      if (flags.has('f')) return exportedFunctions(sh);
      let out = '';
      for (const key of [...sh.vars.table.keys()].sort()) {
        const variable = sh.vars.table.get(key)!;
        if (name === 'export' ? variable.exported : variable.readonly) out += declareLine(variable);
      }
      void sh.write(1, out);
      return 0;
    }
    let status = 0;
    for (let i = next; i < argv.length; i++) {
      if (
        !(flags.has('f')
          ? markFunction(sh, name, argv[i]!, flags.has('n'))
          : mark(sh, name, argv[i]!, arrays[i], flags))
      )
        status = 1;
    }
    return status;
  };
}

function exportedFunctions(sh: Shell): number {
  for (const [name, definition] of sh.functions) {
    if (definition.exported) void sh.write(1, `${functionText(name, definition.body)}declare -fx ${name}\n`);
  }
  return 0;
}

function markFunction(sh: Shell, builtin: string, name: string, undo: boolean): boolean {
  const definition = sh.functions.get(name);
  if (definition === undefined) {
    void sh.complainAs(builtin, `${name}: not a function`);
    return false;
  }
  if (builtin === 'export') {
    definition.exported = !undo;
    sh.exportsFunctions = true;
  } else sh.readonlyFunctions.add(name);
  return true;
}

function mark(
  sh: Shell,
  builtin: string,
  text: string,
  array: ArrayAssignment | undefined,
  flags: ReadonlyMap<string, string>,
): boolean {
  const assignment = array ?? split(text);
  if (assignment === undefined) {
    invalidIdentifier(sh, builtin, text);
    return false;
  }
  const name = sh.targetName(typeof assignment === 'string' ? assignment : assignment.name);
  if (typeof assignment !== 'string' && array === undefined && sh.options.has('xtrace'))
    void traceAssignment(sh, assignment);
  const variable = sh.vars.ensure(name);
  try {
    if (flags.has('A')) becomeAssoc(variable);
    else if (flags.has('a')) becomeArray(variable);
    if (typeof assignment !== 'string') {
      if (typeof assignment.value === 'string' && assignment.index === undefined && !variable.isArray) {
        assignScalar(sh, name, assignment.value, assignment.append);
      } else assignTo(sh, variable, assignment);
    }
  } catch (error) {
    if (error instanceof CommandFailure) return false;
    throw error;
  }
  if (builtin === 'readonly') variable.readonly = true;
  else variable.exported = !flags.has('n');
  sh.vars.touchEnvironment();
  return true;
}

export const exportBuiltin: Builtin = marker('export');
export const readonlyBuiltin: Builtin = marker('readonly');

export const unset: Builtin = (sh, argv) => {
  const options = readOptions(sh, argv, 'fvn');
  if (options === undefined) return 2;
  const { flags } = options;
  let status = 0;
  for (const given of argv.slice(options.next)) {
    const element = /^([A-Za-z_]\w*)\[([\s\S]*)\]$/.exec(given);
    if (flags.has('f')) {
      if (sh.readonlyFunctions.has(given)) {
        void sh.complainAs('unset', `${given}: cannot unset: readonly function`);
        status = 1;
      } else sh.functions.delete(given);
      continue;
    }
    if (element !== null) {
      if (!unsetElement(sh, element[1]!, element[2]!)) status = 1;
      continue;
    }
    if (!isIdentifier(given)) {
      if (flags.has('v')) {
        void sh.complainAs('unset', `\`${given}': not a valid identifier`);
        status = 1;
      } else sh.functions.delete(given);
      continue;
    }
    const name = flags.has('n') ? given : sh.targetName(given);
    const reference = /^([A-Za-z_]\w*)\[([\s\S]*)\]$/.exec(name);
    if (reference !== null) {
      if (!unsetElement(sh, reference[1]!, reference[2]!)) status = 1;
      continue;
    }
    const variable = sh.vars.get(name);
    if (variable === undefined) {
      if (!flags.has('v')) sh.functions.delete(name);
    } else if (variable.readonly) {
      void sh.complainAs('unset', `${name}: cannot unset: readonly variable`);
      status = 1;
    } else sh.vars.unset(name);
  }
  return status;
};

function unsetElement(sh: Shell, name: string, subscript: string): boolean {
  const variable = sh.lookup(name);
  if (variable === undefined) return true;
  if (variable.readonly) {
    void sh.complainAs('unset', `${name}: cannot unset: readonly variable`);
    return false;
  }
  if (subscript === '@' || subscript === '*') {
    if (variable.assoc !== undefined && subscript.length === 1) variable.assoc.clear();
    else if (variable.array !== undefined) variable.array.length = 0;
    return true;
  }
  if (variable.assoc !== undefined) {
    variable.assoc.delete(unquote(subscript));
    return true;
  }
  if (variable.array === undefined) {
    if (sh.exec.arithmetic(sh, subscript) === 0n) {
      sh.vars.unset(name);
      return true;
    }
    void sh.complainAs('unset', `${name}: not an array variable`);
    return false;
  }
  let index = Number(sh.exec.arithmetic(sh, subscript));
  if (index < 0) index += variable.array.length;
  if (index < 0) {
    void sh.complainAs('unset', `[${subscript}]: bad array subscript`);
    return false;
  }
  delete variable.array[index];
  while (variable.array.length > 0 && variable.array.at(-1) === undefined) variable.array.length--;
  return true;
}

function unquote(text: string): string {
  return /^"[^"]*"$|^'[^']*'$/.test(text) ? text.slice(1, -1) : text;
}

/** Assigning to variables and array elements, with attributes and subscripts. */
import { ArithmeticError, type ArithmeticScope, evaluate } from './arith.ts';
import { AssocArray } from './assoc.ts';
import { Abort, CommandFailure } from './error.ts';
import type { Shell } from './shell.ts';
import type { Variable } from './variable.ts';

/** Variables as arithmetic sees them. */
export class ShellArithmetic implements ArithmeticScope {
  private readonly sh: Shell;

  constructor(sh: Shell) {
    this.sh = sh;
  }

  read(name: string, subscript: string | undefined): string | undefined {
    const sh = this.sh;
    const variable = sh.lookup(name);
    let value: string | undefined;
    if (subscript === undefined) value = variable?.scalar;
    else value = variable === undefined ? undefined : readElement(sh, variable, subscript);
    if (value === undefined && sh.option('nounset'))
      unbound(sh, subscript === undefined ? name : `${name}[${subscript}]`);
    return value;
  }

  write(name: string, subscript: string | undefined, value: string): void {
    if (subscript === undefined) assignScalar(this.sh, name, value, false);
    else assignElement(this.sh, name, subscript, value, false);
  }
}

/** The value of an arithmetic text; prints the error and gives the command up when there is one. */
export function arithmetic(sh: Shell, text: string, label = ''): bigint {
  try {
    return evaluate(text, new ShellArithmetic(sh));
  } catch (error) {
    if (!(error instanceof ArithmeticError)) throw error;
    void sh.complain(label + error.message);
    throw new Abort('discard');
  }
}

export function unbound(sh: Shell, name: string): never {
  void sh.complain(`${name}: unbound variable`);
  throw new Abort('exit', sh.commandString ? 127 : 1);
}

/** Index of an indexed array's element; negative ones count from the end. */
function elementIndex(sh: Shell, variable: Variable | undefined, subscript: string): number {
  const index = Number(arithmetic(sh, subscript));
  if (index >= 0) return index;
  const length = variable?.array?.length ?? (variable?.value === undefined ? 0 : 1);
  return length + index;
}

/** Value of `${name[subscript]}`; undefined when unset. The subscript is expanded already. */
export function readElement(sh: Shell, variable: Variable, subscript: string): string | undefined {
  if (variable.assoc !== undefined) return variable.assoc.get(subscript);
  const index = elementIndex(sh, variable, subscript);
  if (index < 0) {
    void sh.complain(`${variable.name}: bad array subscript`);
    return undefined;
  }
  if (variable.getArray !== undefined) return variable.getArray()[index];
  if (variable.array !== undefined) return variable.array[index];
  return index === 0 ? variable.scalar : undefined;
}

/** Refuse a change of a readonly variable. */
export function checkWritable(sh: Shell, variable: Variable | undefined, name: string): void {
  if (variable?.readonly !== true) return;
  void sh.complain(`${name}: readonly variable`);
  throw new CommandFailure();
}

/** A value as the variable's attributes make it. */
export function convert(sh: Shell, variable: Variable, value: string): string {
  let out = value;
  if (variable.integer) out = arithmetic(sh, value).toString();
  if (variable.letterCase === 'l') out = out.toLowerCase();
  else if (variable.letterCase === 'u') out = out.toUpperCase();
  else if (variable.letterCase === 'c') out = out.slice(0, 1).toUpperCase() + out.slice(1).toLowerCase();
  return out;
}

export function assignScalar(sh: Shell, name: string, value: string, append: boolean): void {
  const target = sh.targetName(name);
  const bracket = target.indexOf('[');
  if (bracket > 0) {
    assignElement(sh, target.slice(0, bracket), target.slice(bracket + 1, -1), value, append);
    return;
  }
  const variable = sh.vars.ensure(target);
  if (variable.readonly) checkWritable(sh, variable, target);
  if (variable.set !== undefined) {
    variable.set(value);
    return;
  }
  if (variable.get !== undefined || variable.getArray !== undefined) return;
  let text = value;
  if (variable.integer || variable.letterCase !== '' || append) {
    if (append) {
      const before = variable.scalar ?? '';
      text = variable.integer ? `(${before || '0'})+(${value || '0'})` : before + value;
    }
    text = convert(sh, variable, text);
  }
  if (variable.array !== undefined) variable.array[0] = text;
  else if (variable.assoc !== undefined) variable.assoc.set('0', text);
  else variable.value = text;
  if (sh.options.has('allexport')) variable.exported = true;
  if (variable.exported) sh.vars.touchEnvironment();
  onAssign(sh, target, text);
}

/** Some variables act when they are set. */
function onAssign(sh: Shell, name: string, value: string): void {
  if (name === 'PATH') sh.commandHash.clear();
  else if (name === 'OPTIND') sh.getoptsPosition = 0;
  else if (name === 'IGNOREEOF' || name === 'POSIXLY_CORRECT') void value;
}

export function assignElement(sh: Shell, name: string, subscript: string, value: string, append: boolean): void {
  const target = sh.targetName(name);
  const variable = sh.vars.ensure(target);
  checkWritable(sh, variable, target);
  if (subscript === '') {
    void sh.complain(`${name}[]: bad array subscript`);
    throw new CommandFailure();
  }
  setElement(sh, variable, subscript, value, append);
}

export function setElement(sh: Shell, variable: Variable, subscript: string, value: string, append: boolean): void {
  if (variable.assoc !== undefined) {
    const before = append ? (variable.assoc.get(subscript) ?? '') : '';
    variable.assoc.set(subscript, convert(sh, variable, joined(variable, before, value, append)));
    return;
  }
  const array = becomeArray(variable);
  const index = elementIndex(sh, variable, subscript);
  if (index < 0) {
    void sh.complain(`${variable.name}[${subscript}]: bad array subscript`);
    throw new CommandFailure();
  }
  const before = append ? (array[index] ?? '') : '';
  array[index] = convert(sh, variable, joined(variable, before, value, append));
}

function joined(variable: Variable, before: string, value: string, append: boolean): string {
  if (!append) return value;
  return variable.integer ? `(${before || '0'})+(${value || '0'})` : before + value;
}

/** Make a scalar the element 0 of an indexed array. */
export function becomeArray(variable: Variable): (string | undefined)[] {
  if (variable.array === undefined) {
    variable.array = [];
    if (variable.value !== undefined) variable.array[0] = variable.value;
    variable.value = undefined;
  }
  return variable.array;
}

export function becomeAssoc(variable: Variable): AssocArray {
  variable.assoc ??= new AssocArray();
  return variable.assoc;
}

/** An element of `a=(...)` after expansion. */
export interface ElementValue {
  key: string | undefined;
  append: boolean;
  value: string;
}

/** An assignment, expanded: of a scalar, an element or a whole array. */
export interface ArrayAssignment {
  name: string;
  index: string | undefined;
  append: boolean;
  value: string | ElementValue[];
  /** As written, for `set -x` of an array. */
  text: string;
}

export function assignArray(sh: Shell, variable: Variable, elements: readonly ElementValue[], append: boolean): void {
  checkWritable(sh, variable, variable.name);
  variable.assigned = true;
  if (variable.assoc !== undefined) {
    assignAssoc(sh, variable, variable.assoc, elements, append);
    return;
  }
  const array = becomeArray(variable);
  if (!append) {
    array.length = 0;
  }
  let index = append ? array.length : 0;
  for (const element of elements) {
    if (element.key !== undefined) {
      index = elementIndex(sh, variable, element.key);
      if (index < 0) {
        void sh.complain(`[${element.key}]=${element.value}: bad array subscript`);
        continue;
      }
    }
    const before = element.append ? (array[index] ?? '') : '';
    array[index] = convert(sh, variable, joined(variable, before, element.value, element.append));
    index++;
  }
  if (sh.options.has('allexport')) variable.exported = true;
}

function assignAssoc(
  sh: Shell,
  variable: Variable,
  assoc: AssocArray,
  elements: readonly ElementValue[],
  append: boolean,
): void {
  if (!append) assoc.clear();
  const pairs = elements.length > 0 && elements[0]!.key === undefined;
  if (pairs) {
    for (let i = 0; i < elements.length; i += 2) {
      const key = elements[i]!.value;
      if (key === '') {
        void sh.complain(`${key}: bad array subscript`);
        continue;
      }
      assoc.set(key, convert(sh, variable, elements[i + 1]?.value ?? ''));
    }
    return;
  }
  for (const element of elements) {
    if (element.key === undefined) {
      void sh.complain(`${variable.name}: ${element.value}: must use subscript when assigning associative array`);
      continue;
    }
    const before = element.append ? (assoc.get(element.key) ?? '') : '';
    assoc.set(element.key, convert(sh, variable, joined(variable, before, element.value, element.append)));
  }
}

/** Make an assignment whose parts are expanded. */
export function performAssignment(sh: Shell, assign: ArrayAssignment): void {
  if (typeof assign.value !== 'string') {
    const name = sh.targetName(assign.name);
    assignArray(sh, sh.vars.ensure(name), assign.value, assign.append);
  } else if (assign.index !== undefined) assignElement(sh, assign.name, assign.index, assign.value, assign.append);
  else assignScalar(sh, assign.name, assign.value, assign.append);
}

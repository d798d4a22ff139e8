/** Shell variables: scalars, indexed and associative arrays, attributes, and the dynamic scopes of functions. */
import type { AssocArray } from './assoc.ts';

export class Variable {
  readonly name: string;
  /** A scalar's value; undefined while unset. */
  value: string | undefined = undefined;
  /** Elements by index; holes are unset. */
  array: (string | undefined)[] | undefined = undefined;
  assoc: AssocArray | undefined = undefined;
  exported = false;
  readonly = false;
  integer = false;
  /** `l` lower, `u` upper, `c` capitalize. */
  letterCase: '' | 'l' | 'u' | 'c' = '';
  nameref = false;
  traced = false;
  /** Variables that the shell computes. */
  get: (() => string | undefined) | undefined = undefined;
  set: ((value: string) => void) | undefined = undefined;
  getArray: (() => string[]) | undefined = undefined;
  /** An empty array that was assigned, which `declare -p` shows as `()`. */
  assigned = false;

  constructor(name: string) {
    this.name = name;
  }

  get isArray(): boolean {
    return this.array !== undefined || this.assoc !== undefined || this.getArray !== undefined;
  }

  /** Whether it has a value: the scalar, or element 0. */
  get isSet(): boolean {
    return this.scalar !== undefined;
  }

  /** What `$name` gives. */
  get scalar(): string | undefined {
    if (this.get !== undefined) return this.get();
    if (this.array !== undefined) return this.array[0];
    if (this.assoc !== undefined) return this.assoc.get('0');
    if (this.getArray !== undefined) return this.getArray()[0];
    return this.value;
  }

  clone(): Variable {
    const copy = new Variable(this.name);
    copy.value = this.value;
    copy.array = this.array?.slice();
    copy.assoc = this.assoc?.clone();
    copy.exported = this.exported;
    copy.readonly = this.readonly;
    copy.integer = this.integer;
    copy.letterCase = this.letterCase;
    copy.nameref = this.nameref;
    copy.traced = this.traced;
    copy.get = this.get;
    copy.set = this.set;
    copy.getArray = this.getArray;
    copy.assigned = this.assigned;
    return copy;
  }

  /** Values of the elements, in order. */
  get values(): string[] {
    if (this.getArray !== undefined) return this.getArray();
    if (this.assoc !== undefined) return this.assoc.values();
    if (this.array !== undefined) {
      const out: string[] = [];
      this.array.forEach((value) => {
        if (value !== undefined) out.push(value);
      });
      return out;
    }
    const value = this.scalar;
    return value === undefined ? [] : [value];
  }

  /** Subscripts of the elements, in order. */
  get keys(): string[] {
    if (this.getArray !== undefined) return this.getArray().map((_, index) => String(index));
    if (this.assoc !== undefined) return this.assoc.keys();
    if (this.array !== undefined) {
      const out: string[] = [];
      this.array.forEach((value, index) => {
        if (value !== undefined) out.push(String(index));
      });
      return out;
    }
    return this.scalar === undefined ? [] : ['0'];
  }

  /** Letters of `declare -p` and `${x@a}`, in bash's order. */
  get attributes(): string {
    let text = '';
    if (this.array !== undefined || this.getArray !== undefined) text += 'a';
    if (this.assoc !== undefined) text += 'A';
    if (this.integer) text += 'i';
    if (this.nameref) text += 'n';
    if (this.readonly) text += 'r';
    if (this.traced) text += 't';
    if (this.exported) text += 'x';
    if (this.letterCase === 'c') text += 'c';
    if (this.letterCase === 'l') text += 'l';
    if (this.letterCase === 'u') text += 'u';
    return text;
  }
}

/** Variables that a function call covers: the previous binding of each name made local. */
export interface Scope {
  readonly saved: Map<string, Variable | undefined>;
  /** `local -`: the options to restore. */
  options: (() => void) | undefined;
  /** The variables before a command (`A=1 f`), not a function's own. */
  readonly temporary: boolean;
}

export class Variables {
  readonly table: Map<string, Variable>;
  readonly scopes: Scope[] = [];
  /** Counts changes to what children get, so that the environment is rebuilt only when it must be. */
  private environmentVersion = 0;
  private environmentBuilt = -1;
  private environmentCache: ReadonlyMap<string, string> = new Map();

  constructor(table: Map<string, Variable> = new Map()) {
    this.table = table;
  }

  get(name: string): Variable | undefined {
    return this.table.get(name);
  }

  /** The variable, made unset if there is none. */
  ensure(name: string): Variable {
    let variable = this.table.get(name);
    if (variable === undefined) {
      variable = new Variable(name);
      this.table.set(name, variable);
    }
    return variable;
  }

  /** Set a scalar without looking at attributes: for the shell itself. */
  assign(name: string, value: string): void {
    const variable = this.ensure(name);
    if (variable.array !== undefined) variable.array[0] = value;
    else if (variable.assoc !== undefined) variable.assoc.set('0', value);
    else variable.value = value;
    if (variable.exported) this.environmentVersion++;
  }

  /** Something exported, or about to be, has changed. */
  touchEnvironment(): void {
    this.environmentVersion++;
  }

  /** What children get. */
  get environment(): ReadonlyMap<string, string> {
    if (this.environmentBuilt !== this.environmentVersion) {
      const env = new Map<string, string>();
      for (const variable of this.table.values()) {
        if (variable.exported && !variable.isArray && variable.value !== undefined)
          env.set(variable.name, variable.value);
      }
      this.environmentCache = env;
      this.environmentBuilt = this.environmentVersion;
    }
    return this.environmentCache;
  }

  pushScope(temporary = false): Scope {
    const scope: Scope = { saved: new Map(), options: undefined, temporary };
    this.scopes.push(scope);
    return scope;
  }

  popScope(): void {
    const scope = this.scopes.pop()!;
    for (const [name, variable] of scope.saved) this.restore(name, variable);
    scope.options?.();
  }

  private restore(name: string, variable: Variable | undefined): void {
    const current = this.table.get(name);
    if (current?.exported === true || variable?.exported === true) this.environmentVersion++;
    if (variable === undefined) this.table.delete(name);
    else this.table.set(name, variable);
  }

  /** Make `name` local to the innermost function. `inherit` keeps value and attributes. */
  makeLocal(name: string, inherit = false, temporary = false): Variable {
    const scope = this.scopes.findLast((each) => each.temporary === temporary)!;
    const current = this.table.get(name);
    if (scope.saved.has(name)) return this.ensure(name);
    scope.saved.set(name, current);
    const variable = inherit && current !== undefined ? current.clone() : new Variable(name);
    if (current?.exported === true) this.environmentVersion++;
    this.table.set(name, variable);
    return variable;
  }

  /** Whether the innermost function made `name` local. */
  isLocal(name: string): boolean {
    return this.scopes.findLast((scope) => !scope.temporary)?.saved.has(name) === true;
  }

  /** The variable that `name` has outside all functions. */
  global(name: string): Variable {
    const outermost = this.scopes.find((scope) => scope.saved.has(name));
    if (outermost === undefined) return this.ensure(name);
    let variable = outermost.saved.get(name);
    if (variable === undefined) {
      variable = new Variable(name);
      outermost.saved.set(name, variable);
    }
    return variable;
  }

  /**
   * `unset`: a local of the running function stays local but unset; a local of a caller goes away and
   * what it covered is seen again.
   */
  unset(name: string): void {
    const variable = this.table.get(name);
    if (variable === undefined) return;
    if (variable.exported) this.environmentVersion++;
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const scope = this.scopes[i]!;
      if (!scope.saved.has(name)) continue;
      if (i === this.scopes.length - 1) break;
      this.restore(name, scope.saved.get(name));
      scope.saved.delete(name);
      return;
    }
    this.table.delete(name);
  }

  /** A copy for a subshell. */
  clone(): Variables {
    const table = new Map<string, Variable>();
    for (const [name, variable] of this.table) table.set(name, variable.clone());
    const copy = new Variables(table);
    for (const scope of this.scopes) {
      const saved = new Map<string, Variable | undefined>();
      for (const [name, variable] of scope.saved) saved.set(name, variable?.clone());
      copy.scopes.push({ saved, options: scope.options, temporary: scope.temporary });
    }
    copy.environmentCache = this.environmentCache;
    copy.environmentBuilt = this.environmentBuilt;
    copy.environmentVersion = this.environmentVersion;
    return copy;
  }

  /** Names that begin with `prefix`, sorted. */
  names(prefix = ''): string[] {
    return [...this.table.values()]
      .filter((variable) => variable.name.startsWith(prefix) && (variable.isSet || variable.isArray))
      .map((variable) => variable.name)
      .sort();
  }
}

/** `${name@operator}`. */
import { decodeAnsiC } from './ansi-c.ts';
import { quoteDouble, quoteTransform } from './quote.ts';
import type { Shell } from './shell.ts';
import type { Variable } from './variable.ts';

export function transform(
  sh: Shell,
  operator: string,
  name: string,
  variable: Variable | undefined,
  value: string | undefined,
): string {
  const text = value ?? '';
  switch (operator) {
    case 'Q':
      return quoteTransform(text);
    case 'E':
      return decodeAnsiC(text);
    case 'U':
      return text.toUpperCase();
    case 'u':
      return text.slice(0, 1).toUpperCase() + text.slice(1);
    case 'L':
      return text.toLowerCase();
    case 'P':
      return promptString(sh, text);
    case 'a':
      return variable?.attributes ?? '';
    case 'A': {
      if (variable === undefined) return value === undefined ? '' : `${name}=${quoteTransform(text)}`;
      const { attributes } = variable;
      const assignment = value === undefined ? name : `${name}=${quoteTransform(text)}`;
      return attributes === '' ? assignment : `declare -${attributes} ${assignment}`;
    }
    default:
      return variable?.isArray === true ? quoteDouble(text) : quoteTransform(text);
  }
}

/** The forms on `[@]` and `[*]`. */
export function transformList(
  sh: Shell,
  operator: string,
  name: string,
  variable: Variable | undefined,
  values: readonly string[],
): string[] {
  if (operator === 'A') {
    if (variable === undefined) return values.length === 0 ? [] : [`set -- ${values.map(quoteTransform).join(' ')}`];
    return [`declare -${variable.attributes} ${name}=${arrayLiteral(variable)}`];
  }
  if (operator === 'a') return values.map(() => variable?.attributes ?? '');
  if (operator === 'K' && variable?.isArray === true) {
    const keys = variable.keys;
    const pairs = values.map((value, i) => `${keyText(variable, keys[i]!)} ${quoteDouble(value)}`).join(' ');
    return [variable.assoc !== undefined && pairs !== '' ? `${pairs} ` : pairs];
  }
  if (operator === 'k' && variable?.isArray === true) {
    const keys = variable.keys;
    return values.flatMap((value, i) => [keys[i]!, value]);
  }
  return values.map((value) => transform(sh, operator, name, variable, value));
}

function keyText(variable: Variable, key: string): string {
  return variable.assoc !== undefined && !/^[\w./-]+$/.test(key) ? quoteDouble(key) : key;
}

/** `([0]="a" [1]="b")` as `declare -p` writes it. */
export function arrayLiteral(variable: Variable): string {
  const keys = variable.keys;
  const values = variable.values;
  const items = values.map((value, i) => `[${keyText(variable, keys[i]!)}]=${quoteDouble(value)}`);
  if (variable.assoc !== undefined) return items.length === 0 ? '()' : `(${items.join(' ')} )`;
  return `(${items.join(' ')})`;
}

/** The escapes of PS1 that make sense without a terminal. */
export function promptString(sh: Shell, text: string): string {
  return text.replace(/\\([\s\S])/g, (found, char: string) => {
    switch (char) {
      case 'n':
        return '\n';
      case '$':
        return '#';
      case 'u':
        return 'root';
      case 'h':
        return sh.system.machine.hostname.split('.')[0]!;
      case 'H':
        return sh.system.machine.hostname;
      case 'w': {
        const home = sh.parameter('HOME') ?? '';
        const { cwd } = sh.proc;
        return home !== '' && (cwd === home || cwd.startsWith(`${home}/`)) ? `~${cwd.slice(home.length)}` : cwd;
      }
      case 'W':
        return sh.proc.cwd === '/' ? '/' : sh.proc.cwd.slice(sh.proc.cwd.lastIndexOf('/') + 1);
      case 's':
        return 'bash';
      case '[':
      case ']':
        return '';
      case '\\':
        return '\\';
      case 'e':
        return '\x1b';
      default:
        return found;
    }
  });
}

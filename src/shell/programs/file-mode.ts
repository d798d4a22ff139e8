/** Modes as chmod writes them. */

/** The mode that `text` makes of `mode`; undefined when it is none. */
export function parseMode(text: string, mode: number, isDirectory: boolean, umask: number): number | undefined {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  let out = mode;
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)((?:[-+=][rwxXst]*|[-+=][ugo])+)$/.exec(clause);
    if (match === null) return undefined;
    const who = match[1]!;
    for (const [, operator, letters] of match[2]!.matchAll(/([-+=])([rwxXst]*|[ugo])/g)) {
      out = applyClause(out, who, operator!, letters!, isDirectory, umask);
    }
  }
  return out;
}

function applyClause(
  mode: number,
  who: string,
  operator: string,
  letters: string,
  isDirectory: boolean,
  umask: number,
): number {
  let bits = 0;
  let special = 0;
  for (const letter of letters) {
    if (letter === 'r') bits |= 4;
    else if (letter === 'w') bits |= 2;
    else if (letter === 'x' || (letter === 'X' && (isDirectory || (mode & 0o111) !== 0))) bits |= 1;
    else if (letter === 't') special |= 0o1000;
    else if (letter === 's')
      special |= (who === '' || /[ua]/.test(who) ? 0o4000 : 0) | (who === '' || /[ga]/.test(who) ? 0o2000 : 0);
    else if ('ugo'.includes(letter)) bits |= (mode >> (letter === 'u' ? 6 : letter === 'g' ? 3 : 0)) & 7;
  }
  let mask = 0;
  let value = special;
  for (const [letter, shift] of [
    ['u', 6],
    ['g', 3],
    ['o', 0],
  ] as const) {
    if (who !== '' && !who.includes(letter) && !who.includes('a')) continue;
    mask |= 7 << shift;
    value |= bits << shift;
  }
  if (who === '') value &= ~umask;
  if (operator === '+') return mode | value;
  if (operator === '-') return mode & ~value;
  return (mode & ~mask) | value;
}

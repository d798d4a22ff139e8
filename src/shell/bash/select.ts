/** The `select` command. */
import { drive, expandWords } from './expand.ts';
import type { Node } from './ir.ts';
import { readLine } from './read-line.ts';
import type { Shell } from './shell.ts';

export async function select(sh: Shell, node: Node & { kind: 'select' }): Promise<number> {
  sh.line = node.line;
  const words = node.words === undefined ? [...sh.args] : await drive(expandWords(sh, node.words));
  if (words.length === 0) return 0;
  let status = 0;
  let show = true;
  sh.loopDepth++;
  try {
    for (;;) {
      if (show) await sh.write(2, menu(words, Number(sh.parameter('COLUMNS') ?? 80)));
      show = false;
      await sh.write(2, sh.parameter('PS3') ?? '#? ');
      const line = await readLine(sh, 0);
      if (line.text === '' && !line.ended) {
        await sh.write(1, '\n');
        sh.status = 1;
        return 1;
      }
      sh.assign('REPLY', line.text);
      if (line.text.trim() === '') {
        show = true;
        continue;
      }
      sh.assign(node.name, words[Number(line.text.trim()) - 1] ?? '');
      status = await sh.exec.list(sh, node.body);
      if (sh.jump === 'continue' && --sh.jumpLevels <= 0) sh.jump = 'none';
      else if (sh.jump === 'break') {
        if (--sh.jumpLevels <= 0) sh.jump = 'none';
        return status;
      } else if ((sh.jump as string) !== 'none') return status;
    }
  } finally {
    sh.loopDepth--;
  }
}

/** The choices in columns, as many as fit. */
function menu(words: readonly string[], width: number): string {
  const digits = String(words.length).length;
  const longest = Math.max(...words.map((word) => word.length)) + digits + 2;
  const cell = longest + 2;
  let columns = Math.max(1, Math.floor(width / cell));
  let rows = Math.ceil(words.length / columns);
  columns = Math.ceil(words.length / rows);
  if (rows === 1) {
    rows = columns;
    columns = 1;
  }
  let out = '';
  for (let row = 0; row < rows; row++) {
    for (let i = row; i < words.length; i += rows) {
      const text = `${String(i + 1).padStart(digits)}) ${words[i]}`;
      out += i + rows < words.length ? text.padEnd(cell) : text;
    }
    out += '\n';
  }
  return out;
}

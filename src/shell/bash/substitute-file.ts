/** `$(< file)`: the file itself, without a process. */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { decode } from '../process/bytes.ts';
import { drive } from './expand.ts';
import type { List } from './ir.ts';
import { prepare } from './redirect.ts';
import type { Shell } from './shell.ts';

/** The text, or undefined when the list is something else. */
export async function decodeFile(sh: Shell, list: List): Promise<string | undefined> {
  const { statements } = list;
  const node = statements.length === 1 && !statements[0]!.background ? statements[0]!.node : undefined;
  if (node?.kind !== 'simple' || node.words.length > 0 || node.assigns.length > 0 || node.redirs.length !== 1)
    return undefined;
  const redir = node.redirs[0]!;
  if (redir.kind !== 'file' || redir.op !== '<' || (redir.fd ?? 0) !== 0) return undefined;
  const [prepared] = await drive(prepare(sh, node.redirs));
  const path = prepared!.target;
  if (path.startsWith('/dev/')) return undefined;
  const data = sh.system.vfs.readFile(sh.proc, path);
  if (isRefusal(data)) {
    await sh.complain(`${path}: ${strerror(data.errno)}`);
    sh.substitutionStatus = 1;
    sh.status = 1;
    return '';
  }
  sh.substitutionStatus = 0;
  return decode(data);
}

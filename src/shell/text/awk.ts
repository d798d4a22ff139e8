/** awk: mawk 1.3.4, which is Debian's. */
import { strerror } from '../../uapi/errno.ts';
import { isRefusal } from '../../uapi/result.ts';
import { decode } from '../process/bytes.ts';
import type { Proc } from '../process/proc.ts';
import { AwkSyntaxError } from './awk-lex.ts';
import { unescapeAssigned } from './awk-operation.ts';
import { parseAwk } from './awk-parse.ts';
import { Interpreter } from './awk-run.ts';
import type { AwkProgram } from './awk-tree.ts';
import { fromInput } from './awk-value.ts';

export async function awk(proc: Proc): Promise<number> {
  const name = proc.argv[0]!;
  const args = proc.argv.slice(1);
  const assignments: [string, string][] = [];
  const sources: string[] = [];
  let separator: string | undefined;
  let i = 0;
  for (; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') {
      i++;
      break;
    }
    if (!/^-./.test(arg)) break;
    const letter = arg[1]!;
    if (!'Fvf'.includes(letter)) {
      if (letter === 'W') {
        if (arg.length === 2) i++;
        continue;
      }
      proc.stderr.write(`${name}: not an option: ${arg}\n`);
      return 2;
    }
    const value = arg.length > 2 ? arg.slice(2) : args[++i];
    if (value === undefined) {
      proc.stderr.write(`${name}: option requires an argument -- ${letter}\n`);
      return 2;
    }
    if (letter === 'F') separator = value;
    else if (letter === 'v') {
      const match = /^([A-Za-z_]\w*)=([\s\S]*)$/.exec(value);
      if (match === null) {
        proc.stderr.write(`${name}: improper assignment: -v ${value}\n`);
        return 2;
      }
      assignments.push([match[1]!, match[2]!]);
    } else {
      const source = await readSource(proc, value);
      if (source === undefined) return 2;
      sources.push(source);
    }
  }
  if (sources.length === 0) {
    const source = args[i++];
    if (source === undefined) {
      proc.stderr.write('Usage: mawk [Options] [Program] [file ...]\n');
      return 2;
    }
    sources.push(source);
  }
  let program: AwkProgram;
  try {
    program = parseAwk(sources.join('\n'));
  } catch (error) {
    if (!(error instanceof AwkSyntaxError)) throw error;
    proc.stderr.write(`${name}: ${error.message}\n`);
    return 2;
  }
  const run = new Interpreter(proc, program, [name, ...args.slice(i)]);
  if (separator !== undefined) run.set('FS', separator === 't' ? 't' : unescapeAssigned(separator));
  for (const [variable, value] of assignments) run.set(variable, fromInput(unescapeAssigned(value)));
  return run.run();
}

async function readSource(proc: Proc, path: string): Promise<string | undefined> {
  const file = path === '-' ? proc.fds[0] : await proc.open(path, { read: true });
  if (file === undefined || isRefusal(file)) {
    proc.stderr.write(`${proc.argv[0]}: couldn't open ${path} (${strerror(file?.errno ?? 9)})\n`);
    return undefined;
  }
  let text = '';
  for (let data = await proc.readFile(file); data.length > 0; data = await proc.readFile(file)) text += decode(data);
  proc.close(file);
  return text;
}

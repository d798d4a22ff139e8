/** The program iptables, in its two variants: `iptables` (iptables-nft) and `iptables-legacy`. */
import { EAGAIN, EINVAL } from '../../uapi/errno.ts';
import type { Process, Program } from '../../uapi/process.ts';
import { RESOURCE_PROBLEM, type Variant, XtablesContext, XtablesExit } from './context.ts';
import { commitTable, openTableOrExit, runLegacy } from './legacy.ts';
import { NftHandle } from './nft.ts';
import { queueNft } from './nft-commands.ts';
import { CommandParser } from './parse.ts';

/** Run `main` until it returns or exits; the status is what the process ends with. */
export async function untilExit(process: Process, main: () => number | Promise<number>): Promise<number> {
  let status: number;
  try {
    status = await main();
  } catch (error) {
    if (!(error instanceof XtablesExit)) throw error;
    status = error.status;
  }
  await process.stdout.flush();
  return status;
}

/** The end of a failed run: the message, and the status. */
function failed(ctx: XtablesContext, errno: number, message: string): number {
  ctx.complain(`iptables: ${message}.${errno === EINVAL ? " Run `dmesg' for more information." : ''}\n`);
  return errno === EAGAIN ? RESOURCE_PROBLEM : 1;
}

function runNftCommand(ctx: XtablesContext, argv: readonly string[]): number {
  const command = new CommandParser(ctx, argv, { restore: false, table: 'filter' }).parse();
  if (command === undefined) return 0;
  const handle = new NftHandle(ctx);
  queueNft(ctx, handle, command);
  return handle.commit() ? 0 : failed(ctx, handle.errno, handle.message());
}

function runLegacyCommand(ctx: XtablesContext, argv: readonly string[]): number {
  const command = new CommandParser(ctx, argv, { restore: false, table: 'filter' }).parse();
  if (command === undefined) return 0;
  const handle = openTableOrExit(ctx, command.table);
  const ok = runLegacy(ctx, command, handle) && commitTable(ctx, handle);
  return ok ? 0 : failed(ctx, handle.errno, handle.message());
}

const program =
  (variant: Variant): Program =>
  (process) => {
    const ctx = new XtablesContext(process, 'iptables', variant);
    const run = variant === 'legacy' ? runLegacyCommand : runNftCommand;
    return untilExit(process, () => run(ctx, process.argv));
  };

/** `iptables`, `iptables-nft`: Debian's default. */
export const iptables: Program = program('nf_tables');
/** `iptables-legacy`. */
export const iptablesLegacy: Program = program('legacy');

/** The command-line program's entry, and that of the workers it starts. */
import { isMainThread } from 'node:worker_threads';
import { main } from './commands.ts';
import { WORKER_ARGUMENT, work } from './worker.ts';

const BROKEN_PIPE = 141;

async function start(): Promise<void> {
  if (process.argv[2] === WORKER_ARGUMENT && !isMainThread) {
    work();
    return;
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(BROKEN_PIPE);
      throw error;
    });
  }
  process.exitCode = await main(process.argv.slice(2));
}

void start();

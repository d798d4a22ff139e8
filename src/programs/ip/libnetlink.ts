import { strerror } from '../../uapi/errno.ts';
import type { Process } from '../../uapi/process.ts';
import type { Ack, Refusal } from '../../uapi/result.ts';
import { EXIT_REFUSED } from './exit.ts';

/** rtnl_talk_error(): the kernel's own sentence when it gave one, else the text of the error number. */
export function talkError(process: Process, refusal: Refusal): void {
  const message = refusal.extack;
  process.stderr.write(
    message
      ? `Error: ${message}${message.endsWith('.') ? '' : '.'}\n`
      : `RTNETLINK answers: ${strerror(refusal.errno)}\n`,
  );
}

/** rtnl_talk(): 0 for an accepted request; a refusal is told and gives the status of a refused request. */
export function talk(process: Process, answer: Ack): number {
  if (answer === undefined) return 0;
  talkError(process, answer);
  return EXIT_REFUSED;
}

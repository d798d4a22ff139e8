/** Signals of x86-64 Linux: numbers, names, default actions and glibc's texts (signal(7), strsignal(3)). */
const NAMES =
  'EXIT HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  );

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGKILL = 9;
export const SIGPIPE = 13;
export const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
const SIGRTMIN = 34;
const SIGRTMAX = 64;

const NUMBERS = new Map<string, number>();
for (let i = 0; i < NAMES.length; i++) NUMBERS.set(NAMES[i]!, i);
NUMBERS.set('CLD', SIGCHLD).set('IOT', 6).set('POLL', 29);
for (let n = SIGRTMIN; n <= SIGRTMAX; n++) NUMBERS.set(realtimeName(n), n);

function realtimeName(n: number): string {
  if (n === SIGRTMIN) return 'RTMIN';
  if (n === SIGRTMAX) return 'RTMAX';
  return n <= 49 ? `RTMIN+${n - SIGRTMIN}` : `RTMAX-${SIGRTMAX - n}`;
}

/** Name without SIG; undefined for a number that is no signal. 0 is bash's EXIT. */
export function signalName(n: number): string | undefined {
  return n < NAMES.length ? NAMES[n] : n >= SIGRTMIN && n <= SIGRTMAX ? realtimeName(n) : undefined;
}

/** Number of a signal given as a number or as a name with or without SIG, in any case. */
export function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) {
    const n = Number(text);
    return signalName(n) === undefined ? undefined : n;
  }
  const upper = text.toUpperCase();
  return NUMBERS.get(upper.startsWith('SIG') ? upper.slice(3) : upper);
}

/** What an uncaught signal does to its process. */
export function defaultAction(n: number): 'terminate' | 'ignore' | 'stop' | 'continue' {
  if (n === 17 || n === 23 || n === 28) return 'ignore';
  if (n === SIGCONT) return 'continue';
  return n >= SIGSTOP && n <= 22 ? 'stop' : 'terminate';
}

const TEXTS: Readonly<Record<number, string>> = {
  1: 'Hangup',
  2: 'Interrupt',
  3: 'Quit',
  4: 'Illegal instruction',
  5: 'Trace/breakpoint trap',
  6: 'Aborted',
  7: 'Bus error',
  8: 'Floating point exception',
  9: 'Killed',
  10: 'User defined signal 1',
  11: 'Segmentation fault',
  12: 'User defined signal 2',
  13: 'Broken pipe',
  14: 'Alarm clock',
  15: 'Terminated',
  16: 'Stack fault',
  17: 'Child exited',
  18: 'Continued',
  19: 'Stopped (signal)',
  20: 'Stopped',
  21: 'Stopped (tty input)',
  22: 'Stopped (tty output)',
  23: 'Urgent I/O condition',
  24: 'CPU time limit exceeded',
  25: 'File size limit exceeded',
  26: 'Virtual timer expired',
  27: 'Profiling timer expired',
  28: 'Window changed',
  29: 'I/O possible',
  30: 'Power failure',
  31: 'Bad system call',
};

/** strsignal(): "Terminated". */
export function signalText(n: number): string {
  return TEXTS[n] ?? (n >= SIGRTMIN && n <= SIGRTMAX ? `Real-time signal ${n - SIGRTMIN}` : `Unknown signal ${n}`);
}

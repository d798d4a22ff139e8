/**
 * exit(3): ends the program from wherever it is, as iproute2 does on a wrong argument. Thrown while
 * arguments are read, caught once in `ip`'s entry.
 */
export class Exit extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status & 0xff;
  }
}

/** The usual statuses of iproute2: a wrong command line is exit(-1), a refused request 2. */
export const EXIT_USAGE = 255;
export const EXIT_REFUSED = 2;
export const EXIT_FAILURE = 1;

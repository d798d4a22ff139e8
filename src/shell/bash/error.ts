/** What ends a command, or more than a command, from inside an expansion or a builtin. */

/**
 * The rest of the current top-level command is given up (`discard`), or the shell exits (`exit`).
 * The message has been printed when this is thrown.
 */
export class Abort {
  readonly kind: 'discard' | 'exit';
  readonly status: number;

  constructor(kind: 'discard' | 'exit', status = 1) {
    this.kind = kind;
    this.status = status;
  }
}

/** The command fails with status 1 and the shell goes on; the message has been printed. */
export class CommandFailure {
  readonly status: number;

  constructor(status = 1) {
    this.status = status;
  }
}

/** What all parts of one run of iptables share: xt_params, the process, and the way out of it. */
import { complain, type Process } from '../../uapi/process.ts';

/** Exit statuses (xtables.h enum xtables_exittype). */
export const OTHER_PROBLEM = 1;
export const PARAMETER_PROBLEM = 2;
export const VERSION_PROBLEM = 3;
export const RESOURCE_PROBLEM = 4;

export type Variant = 'nf_tables' | 'legacy';

/** exit(): unwinds to the program's entry, which returns the status. */
export class XtablesExit extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`exit ${status}`);
    this.status = status;
  }
}

/** One run: name, variant and the line of iptables-restore being read. */
export class XtablesContext {
  readonly process: Process;
  readonly programName: string;
  readonly variant: Variant;
  /** The input's line number for messages; -1 outside of iptables-restore. */
  line = -1;

  constructor(process: Process, programName: string, variant: Variant) {
    this.process = process;
    this.programName = programName;
    this.variant = variant;
  }

  get version(): string {
    return `1.8.9 (${this.variant})`;
  }

  print(text: string): void {
    this.process.stdout.write(text);
  }

  complain(text: string): void {
    complain(this.process, text);
  }

  /** xtables_error(): the message with the program's name in front, a hint behind, and the end. */
  error(status: number, message: string): never {
    this.complain(`${this.programName} v${this.version}: ${message}\n`);
    if (status === PARAMETER_PROBLEM) this.tryHelp();
    else if (status === VERSION_PROBLEM) {
      this.complain(`Perhaps ${this.programName} or your kernel needs to be upgraded.\n`);
    }
    throw new XtablesExit(status);
  }

  /** An error in the arguments: the most usual one. */
  bad(message: string): never {
    return this.error(PARAMETER_PROBLEM, message);
  }

  /** exit_tryhelp() */
  exitTryHelp(status: number): never {
    this.tryHelp();
    throw new XtablesExit(status);
  }

  private tryHelp(): void {
    if (this.line !== -1) this.complain(`Error occurred at line: ${this.line}\n`);
    this.complain(`Try \`${this.programName} -h' or '${this.programName} --help' for more information.\n`);
  }
}

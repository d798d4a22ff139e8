import type { OutputStream } from '../../uapi/process.ts';
import type { Args } from './args.ts';
import type { Ip } from './context.ts';

/** One kind of device (or of port: `bridge_slave`), as iproute2's struct link_util. */
export interface LinkKind {
  readonly id: string;
  /**
   * Read the words behind `type KIND` (there is at least one); gives the attributes to send, or
   * after a complaint the exit status. Absent: the words are ignored, as iproute2 does for kinds without options.
   */
  parse?(ip: Ip, args: Args, create: boolean): object | number;
  /** Print the attributes that a dump holds. */
  print?(ip: Ip, data: object): void;
  /** Print the usage text of `ip link help KIND`. */
  help?(out: OutputStream): void;
}

/**
 * A refused request: the error number and, for rtnetlink, the kernel's extended acknowledgement.
 * It is data, never thrown.
 */
export interface Refusal {
  readonly errno: number;
  /** NLMSGERR_ATTR_MSG: the kernel's own sentence. */
  readonly extack?: string;
}

/** The answer to a request that returns nothing: `undefined` is success. */
export type Ack = Refusal | undefined;

/** A refusal with its error number and, if the kernel gives one, its sentence. */
export function refuse(errno: number, extack?: string): Refusal {
  return extack === undefined ? { errno } : { errno, extack };
}

/** Whether the answer to a request is a refusal. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && typeof (value as Refusal).errno === 'number';
}

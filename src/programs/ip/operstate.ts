/** RFC 2863 states by IF_OPER_* number. */
export const OPERSTATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP'];

/** get_operstate(): the number of a state named in any case, -1 for another word. */
export function operstateId(name: string): number {
  return OPERSTATES.indexOf(name.toUpperCase());
}

/**
 * What became of a packet that a socket is sending, while the call lasts: the way out has no return
 * values, so whoever drops or hands over the packet leaves its error number here.
 */
export const sendStatus: {
  /** Error number, 0 for none. */
  errno: number;
} = { errno: 0 };

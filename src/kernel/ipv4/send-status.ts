/**
 * What became of a packet that a socket is sending, while the call lasts: the way out has no return
 * values, so whoever drops or hands over the packet leaves its error number here.
 */
export const sendStatus: {
  /** Error number, 0 for none. */
  errno: number;
  /** A device swallowed the packet (NET_XMIT_CN): no error to the sender, yet fragments after it do not follow. */
  congested: boolean;
} = { errno: 0, congested: false };

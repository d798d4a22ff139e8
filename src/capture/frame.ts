/**
 * What a filter looks at. The shape is that of a packet socket's filter (PacketFilter and FrameView
 * of the user-space interface), so a compiled expression can be put on a socket as it is.
 */
export interface FrameView {
  /** The buffer; the frame is `bytes[start..end)`, with its link-layer header. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** The VLAN tag kept beside the frame; -1 when there is none. */
  readonly vlanTci: number;
  readonly vlanProtocol: number;
  readonly pktType: number;
  readonly ifindex: number;
  readonly protocol: number;
}

/** The number of bytes to keep of a frame, 0 to pass it over. */
export type PacketFilter = (frame: FrameView) => number;

/**
 * A reference to a network namespace, as an open file of nsfs is on Linux. Opaque to programs: two
 * references to one namespace have the same inode number.
 */
export interface NetnsRef {
  /** Inode number in nsfs, as `readlink /proc/self/ns/net` shows it: net:[4026531840]. */
  readonly inode: number;
}

/** RTM_NEWNSID: a namespace's id in this one, or in the target of the request; -1 when it has none. */
export interface NsidMessage {
  nsid: number;
  /** NETNSA_CURRENT_NSID: its id in this one, where a target was named. */
  currentNsid?: number;
}

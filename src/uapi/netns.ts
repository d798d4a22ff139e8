/**
 * A reference to a network namespace, as an open file of nsfs is on Linux. Opaque to programs: two
 * references to one namespace have the same inode number.
 */
export interface NetnsRef {
  /** Inode number in nsfs, as `readlink /proc/self/ns/net` shows it: net:[4026531840]. */
  readonly inode: number;
}

/** Exit codes of every process, as in sysexits.h. */
export const EXIT = {
  ok: 0,
  /** The process was started with options that it cannot run with. */
  usage: 64,
  /** Data on disk is damaged. */
  damaged: 65,
  /** Something that the process needs cannot be had, such as its port. */
  unavailable: 69,
  /** The data folder cannot be made or written: no folder, no permission, or read-only. */
  cannotCreate: 73,
  /** The disk is full, or fails: nothing was acknowledged that is not on it, and with room the process can start again. */
  full: 74,
  /** A rule that must always hold does not, or the program has a bug. */
  internal: 70,
} as const;

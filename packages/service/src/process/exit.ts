/** Exit codes of all processes, from sysexits.h. */
export const EXIT_CODE = {
  ok: 0,
  /** Missing, invalid or conflicting options. */
  usage: 64,
  /** Data on disk is damaged. */
  damaged: 65,
  /** A required resource is not available, such as the port. */
  unavailable: 69,
  /** The data folder cannot be created or written: not a folder, no permission, or a read-only file system. */
  cannotCreate: 73,
  /** The disk is full or fails. Everything acknowledged is on the disk; the process can restart when there is space. */
  full: 74,
  /** An invariant is violated, or the program has another bug. */
  internal: 70,
} as const;

/** Thrown when a process was started with options that it cannot run with; it exits with code 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}

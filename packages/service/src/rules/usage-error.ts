/** Thrown for missing, invalid or conflicting options. The process exits with code 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}

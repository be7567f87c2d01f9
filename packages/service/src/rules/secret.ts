/** Validation of secrets, and what a process tells about those that it uses. */
import { createHash } from 'node:crypto';
import { UsageError } from './usage-error.js';

/** Minimum length: shorter secrets can be guessed. */
export const SECRET_LENGTH_MIN = 16;
export const SECRET_LENGTH_MAX = 512;

/** Lines of a secret file while a secret is exchanged for another. */
const LINES_MAX = 2;

const HEADER_SAFE = /^[\x21-\x7e]+$/;

/** The secrets of a file: the first is presented, all are accepted. */
export type SecretLines = readonly [string, ...string[]];

/** The fingerprints of the secrets that a process uses at present. */
export interface SecretReport {
  readonly presents: string;
  readonly accepts: readonly string[];
}

/**
 * Parses the text of a secret file: one line, or two while the secret is exchanged, each of 16 to 512 printable ASCII
 * characters, with optional white space around them.
 * @throws UsageError, whose message contains the file but never a secret.
 */
export function parseSecrets(text: string, file: string): SecretLines {
  const [first = '', ...others] = text.trim().split(/\s*\n\s*/);
  const lines: SecretLines = [first, ...others];
  if (lines.length > LINES_MAX) {
    throw new UsageError(
      `${file} has ${lines.length} lines: a secret file has one line, or two while the secret is exchanged`,
    );
  }
  if (!lines.every(isSecret)) {
    throw new UsageError(
      `the secret in ${file} must have ${SECRET_LENGTH_MIN} to ${SECRET_LENGTH_MAX} printable ASCII characters without spaces`,
    );
  }
  return lines;
}

function isSecret(line: string): boolean {
  return line.length >= SECRET_LENGTH_MIN && line.length <= SECRET_LENGTH_MAX && HEADER_SAFE.test(line);
}

/** Tells secrets apart without showing them: the first 8 hexadecimal digits of the SHA-256. */
export function secretFingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 8);
}

/**
 * What a process tells to an operator about a secret; null if it has none.
 * @param accepted the first is the one that the process presents
 */
export function secretReport(accepted: readonly string[]): SecretReport | null {
  const [presents, ...others] = accepted.map(secretFingerprint);
  return presents === undefined ? null : { presents, accepts: [presents, ...others] };
}

/** What counts as a secret. */
import { UsageError } from './usage.js';

/** Shorter secrets can be guessed. */
export const SECRET_LENGTH_MIN = 16;
export const SECRET_LENGTH_MAX = 512;

const HEADER_SAFE = /^[\x21-\x7e]+$/;

/**
 * The secret in a file's text, without white space around it: 16 to 512 printable ASCII characters.
 * @throws UsageError naming the file, never the secret.
 */
export function parseSecret(text: string, file: string): string {
  const secret = text.trim();
  if (secret.length < SECRET_LENGTH_MIN || secret.length > SECRET_LENGTH_MAX || !HEADER_SAFE.test(secret)) {
    throw new UsageError(
      `the secret in ${file} must have ${SECRET_LENGTH_MIN} to ${SECRET_LENGTH_MAX} printable ASCII characters`,
    );
  }
  return secret;
}

/** Validation of secrets. */
import { UsageError } from './usage-error.js';

/** Minimum length: shorter secrets can be guessed. */
export const SECRET_LENGTH_MIN = 16;
/** Maximum length, so that a secret fits in a header. */
export const SECRET_LENGTH_MAX = 512;

const HEADER_SAFE = /^[\x21-\x7e]+$/;

/**
 * Parses the text of a secret file: 16 to 512 printable ASCII characters, with optional white space around them.
 * @throws UsageError, whose message contains the file but never the secret.
 */
export function parseSecret(text: string, file: string): string {
  const secret = text.trim();
  if (secret.length < SECRET_LENGTH_MIN || secret.length > SECRET_LENGTH_MAX || !HEADER_SAFE.test(secret)) {
    throw new UsageError(
      `the secret in ${file} must have ${SECRET_LENGTH_MIN} to ${SECRET_LENGTH_MAX} printable ASCII characters without spaces`,
    );
  }
  return secret;
}

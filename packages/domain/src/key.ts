/** Idempotency keys for commands that come without one. */
import { randomUUID } from 'node:crypto';

/** Of 48 bits. */
const TIME_MAX = 2 ** 48 - 1;

/** Where the version stands in a UUID's text; what is before it is time in one of version 7. */
const VERSION_AT = 14;
let prefixTime = -1;
let prefix = '';

/**
 * A key that nobody else has and nobody can guess: a UUID of version 7 (RFC 9562, 5.7), 48 bits of the time and 74 random
 * ones. A replica keeps such keys of one millisecond in one record: one of any other form costs its book half as much CPU again.
 * @param now milliseconds since 1970, for tests
 */
export function freshKey(now = Date.now()): string {
  if (now !== prefixTime) {
    // A wall clock before 1970, or after the year 10889, still has to give a key of the usual form.
    const time = Math.min(Math.max(now, 0), TIME_MAX).toString(16).padStart(12, '0');
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    prefixTime = now;
  }
  return prefix + randomUUID().slice(VERSION_AT + 1);
}

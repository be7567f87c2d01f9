/** Generates idempotency keys for commands without one. */
import { randomUUID } from 'node:crypto';

/** The largest time of 48 bits. */
const TIME_MAX = 2 ** 48 - 1;

/** Position of the version digit in a UUID's text. In version 7 the digits before it are the time. */
const VERSION_AT = 14;
let prefixTime = -1;
let prefix = '';

/**
 * A unique, unguessable key: a UUID of version 7 (RFC 9562, 5.7) with 48 bits of time and 74 random bits. New keys of
 * this form are neighbours in the order book and in its key filter, so they cost a replica less CPU than random keys.
 * @param now milliseconds since 1970, for tests
 */
export function generateKey(now = Date.now()): string {
  if (now !== prefixTime) {
    // With a wall clock before 1970 or after the year 10889 the key must still have this form.
    const time = Math.min(Math.max(now, 0), TIME_MAX).toString(16).padStart(12, '0');
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    prefixTime = now;
  }
  return prefix + randomUUID().slice(VERSION_AT + 1);
}

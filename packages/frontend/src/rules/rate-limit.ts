/**
 * Limits the requests of each client address with a token bucket. The table of addresses is bounded: at the
 * bound it drops the least recently used address, which starts with a full bucket again.
 */
import { LRUMap } from 'mnemonist';
import { assertInvariant } from '@trireme/domain';

/** Maximum number of addresses in the table. */
const ADDRESSES_MAX = 20_000;

/** Size of a bucket, in seconds of the rate. */
const BURST_S = 2;

interface Bucket {
  tokens: number;
  /** When `tokens` was computed, in milliseconds on a monotonic clock. */
  at: number;
}

export class RateLimiter {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets: LRUMap<string, Bucket>;

  /**
   * @param perSecond sustained requests per second of one address, at least 1; bursts may be twice as large.
   * @param addressesMax maximum number of addresses in the table.
   */
  constructor(perSecond: number, addressesMax = ADDRESSES_MAX) {
    assertInvariant(perSecond >= 1, 'rate limit is at least one request per second');
    this.#perSecond = perSecond;
    this.#burst = perSecond * BURST_S;
    this.#buckets = new LRUMap(addressesMax);
  }

  /**
   * Counts a request from `address` at `now`.
   * @returns 0 if it is allowed, else the seconds to wait, at least 1.
   */
  take(address: string, now: number): number {
    const key = clientOf(address);
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    const refilled = bucket.tokens + ((now - bucket.at) / 1000) * this.#perSecond;
    bucket.tokens = Math.min(this.#burst, refilled);
    bucket.at = now;
    this.#buckets.set(key, bucket);
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / this.#perSecond));
    bucket.tokens -= 1;
    return 0;
  }
}

/** The key of a client: an IPv4 address, or the /64 network of an IPv6 address, which one site owns. */
function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.toLowerCase().replace(/%.*$/, '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = address.includes('::') ? 8 - groups.length - (tail === '' ? 0 : tail.split(':').length) : 0;
  const all = [
    ...groups,
    ...Array.from({ length: missing }, () => '0'),
    ...(tail === '' ? [] : tail.split(':')),
  ];
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

/**
 * A bound on the requests of each client address: a token bucket, refilled evenly. The table of addresses is bounded as
 * well; at the bound the address that was heard of least recently is forgotten, and begins anew with a full bucket.
 */
import { LRUMap } from 'mnemonist';
import { assertRule } from '@trireme/domain';

/** Addresses that are remembered at most. */
const ADDRESSES_MAX = 20_000;

/** Seconds' worth of requests that may come at once. */
const BURST_S = 2;

interface Bucket {
  tokens: number;
  /** When `tokens` was right, in milliseconds on a clock that never jumps. */
  at: number;
}

export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets: LRUMap<string, Bucket>;

  /**
   * @param perSecond requests a second that one address may make for ever, from 1; twice as many may come at once.
   * @param addressesMax addresses that are remembered.
   */
  constructor(perSecond: number, addressesMax = ADDRESSES_MAX) {
    assertRule(perSecond >= 1, 'a rate limit is at least one request a second');
    this.#perSecond = perSecond;
    this.#burst = perSecond * BURST_S;
    this.#buckets = new LRUMap(addressesMax);
  }

  /** Counts a request from `address` at `now`. Returns 0 if it may pass, else the seconds until one may, from 1. */
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

/** Who an address stands for: an IPv4 address itself, and of an IPv6 address the network of 64 bits that one site has. */
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

/**
 * Reads at a follower: it requests an index from its leader and serves the read once its own state machine has
 * applied that index (thesis 6.4). One request is in flight at a time, for all reads that arrived before it was
 * sent. A request without an answer expires with its reads, because messages may be lost.
 */
import { RaftError } from './errors.js';
import type { LogIndex, ReadGrant } from './types.js';

interface Bounds {
  /** Maximum pending reads. */
  readonly sizeMax: number;
  /** Ticks without an answer after which a request expires. */
  readonly ticksMax: number;
}

export class ForwardedReads {
  readonly #bounds: Bounds;
  /** Number of the last request. Starts at random, so that answers to an earlier instance do not match. */
  #request: number;
  #waiting: number[] = [];
  /** The reads of the request in flight; empty if there is none. */
  #inFlight: number[] = [];
  #elapsed = 0;
  #granted: ReadGrant[] = [];
  #expired: number[] = [];

  constructor(bounds: Bounds, firstRequest: number) {
    this.#bounds = bounds;
    this.#request = firstRequest;
  }

  /** @throws RaftError `OVERLOADED` at the limit. */
  add(id: number): void {
    const { sizeMax } = this.#bounds;
    if (this.#waiting.length + this.#inFlight.length >= sizeMax) {
      throw new RaftError('OVERLOADED', `${sizeMax} reads are already waiting; retry later`);
    }
    this.#waiting.push(id);
  }

  tick(): void {
    this.#elapsed += 1;
    if (this.#inFlight.length === 0 || this.#elapsed < this.#bounds.ticksMax) return;
    this.#expired = this.#expired.concat(this.#inFlight);
    this.#inFlight = [];
  }

  /** The number of the request to send now for all waiting reads; null if none wait or a request is in flight. */
  takeRequest(): number | null {
    if (this.#inFlight.length > 0 || this.#waiting.length === 0) return null;
    this.#inFlight = this.#waiting;
    this.#waiting = [];
    this.#elapsed = 0;
    this.#request += 1;
    return this.#request;
  }

  onReadResponse(request: number, index: LogIndex): void {
    if (request !== this.#request) return;
    for (const id of this.#inFlight) this.#granted.push({ id, index });
    this.#inFlight = [];
  }

  takeGranted(): readonly ReadGrant[] {
    const granted = this.#granted;
    this.#granted = [];
    return granted;
  }

  takeExpired(): readonly number[] {
    const expired = this.#expired;
    this.#expired = [];
    return expired;
  }

  /** The leader has changed: fails all reads without an answer and returns their ids. Granted reads stay granted. */
  failAll(): readonly number[] {
    const lost = this.#inFlight.concat(this.#waiting);
    this.#inFlight = [];
    this.#waiting = [];
    return lost;
  }
}

/**
 * Reads at a member that does not lead: it asks its leader for an index, and serves the read once its own machine has
 * applied that far (thesis 6.4). One request is out at a time, for all reads that came before it was sent; one that gets
 * no answer is given up, as messages may be lost, and its reads with it.
 */
import { RaftError } from './errors.js';
import type { LogIndex, ReadGrant } from './types.js';

interface Bounds {
  /** Reads that wait, at most. */
  readonly sizeMax: number;
  /** Ticks without an answer after which a request is given up. */
  readonly ticksMax: number;
}

export class RemoteReads {
  readonly #bounds: Bounds;
  /** The last request's number. It starts at random: an answer to an earlier life of this member must fit nothing. */
  #request: number;
  #waiting: number[] = [];
  /** What the request that is out is for; empty if none is out. */
  #open: number[] = [];
  #elapsed = 0;
  #granted: ReadGrant[] = [];
  #expired: number[] = [];

  constructor(bounds: Bounds, firstRequest: number) {
    this.#bounds = bounds;
    this.#request = firstRequest;
  }

  /** @throws RaftError `OVERLOADED` at the bound. */
  add(id: number): void {
    const { sizeMax } = this.#bounds;
    if (this.#waiting.length + this.#open.length >= sizeMax) {
      throw new RaftError('OVERLOADED', `${sizeMax} reads wait already`);
    }
    this.#waiting.push(id);
  }

  tick(): void {
    this.#elapsed += 1;
    if (this.#open.length === 0 || this.#elapsed < this.#bounds.ticksMax) return;
    this.#expired = this.#expired.concat(this.#open);
    this.#open = [];
  }

  /** The number of a request that is to be sent now for all that wait; null if none is, or one is out. */
  next(): number | null {
    if (this.#open.length > 0 || this.#waiting.length === 0) return null;
    this.#open = this.#waiting;
    this.#waiting = [];
    this.#elapsed = 0;
    this.#request += 1;
    return this.#request;
  }

  answered(request: number, index: LogIndex): void {
    if (request !== this.#request) return;
    for (const id of this.#open) this.#granted.push({ id, index });
    this.#open = [];
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

  /** The leader is another one: whatever has no answer yet is lost. What was granted stays so. */
  abandon(): readonly number[] {
    const lost = this.#open.concat(this.#waiting);
    this.#open = [];
    this.#waiting = [];
    return lost;
  }
}

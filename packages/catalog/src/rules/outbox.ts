/** Frames in the order in which they must leave. Answers to look-ups that follow each other on a link share a frame. */
import { FRAME_ITEMS_MAX, type LookupResult } from '@trireme/domain';
import type { CatalogFrame } from './effects.js';

export class Outbox {
  #sends: (readonly [link: number, frame: CatalogFrame])[] = [];
  readonly #results = new Map<number, LookupResult[]>();

  send(link: number, frame: CatalogFrame): void {
    // An answer that may be kept must not overtake the revocation that follows it.
    this.#flush(link);
    this.#sends.push([link, frame]);
  }

  /** Sends the answer to one look-up. */
  answer(link: number, result: LookupResult): void {
    const results = this.#results.get(link);
    if (results === undefined) this.#results.set(link, [result]);
    else if (results.push(result) === FRAME_ITEMS_MAX) this.#flush(link);
  }

  /** Hands out the frames, once. */
  take(): readonly (readonly [link: number, frame: CatalogFrame])[] {
    for (const link of this.#results.keys()) this.#flush(link);
    const sends = this.#sends;
    this.#sends = [];
    return sends;
  }

  #flush(link: number): void {
    const items = this.#results.get(link);
    if (items === undefined) return;
    this.#results.delete(link);
    this.#sends.push([link, { t: 'stocks', items }]);
  }
}

/** Outgoing frames in their order of sending. Consecutive look-up results on a link share a frame. */
import { FRAME_ITEMS_MAX, type CatalogLookupResult } from '@trireme/domain';
import type { OutgoingFrame, Send } from './effects.js';

export class SendQueue {
  #sends: Send[] = [];
  readonly #results = new Map<number, CatalogLookupResult[]>();

  send(link: number, frame: OutgoingFrame): void {
    // A revocation must not overtake a cacheable result that precedes it.
    this.#flush(link);
    this.#sends.push({ link, frame });
  }

  /** Sends the result of one look-up. */
  sendResult(link: number, result: CatalogLookupResult): void {
    const results = this.#results.get(link);
    if (results === undefined) this.#results.set(link, [result]);
    else if (results.push(result) === FRAME_ITEMS_MAX) this.#flush(link);
  }

  /** Returns the frames since the last call. */
  takeFrames(): readonly Send[] {
    for (const link of this.#results.keys()) this.#flush(link);
    const sends = this.#sends;
    this.#sends = [];
    return sends;
  }

  #flush(link: number): void {
    const items = this.#results.get(link);
    if (items === undefined) return;
    this.#results.delete(link);
    this.#sends.push({ link, frame: { t: 'stocks', items } });
  }
}

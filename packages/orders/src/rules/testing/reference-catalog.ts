/**
 * The catalog's side of the leader's protocol in its shortest form: what it must do, without leases or rounds. It keeps nothing
 * when it restarts.
 */
import * as assert from 'uvu/assert';
import { decodeBatch, type CatalogToLeader, type LeaderToCatalog } from '@trireme/domain';
import { nextHash } from '@trireme/state-machine';
import { decideOne, type ReferenceStocks } from './reference-decisions.js';

type SnapshotFrame = Extract<LeaderToCatalog, { readonly t: 'snapshot' }>;
type EntryFrame = Extract<LeaderToCatalog, { readonly t: 'entry' }>;

export class ReferenceCatalog {
  #stocks: ReferenceStocks = new Map();
  #life: string | null = null;
  #hash = '';
  #lastIndex = 0;
  /** A leader has said that nothing after it was told; infinite before. */
  #upTo = Infinity;
  /** Links whose leader knows how far the catalog is, and did not miss that it went back. */
  readonly #told = new Set<number>();
  /** Parts of a snapshot that is not complete, by link. */
  readonly #parts = new Map<number, SnapshotFrame[]>();

  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Whether it answers look-ups. */
  get isReady(): boolean {
    return this.#life !== null && this.#lastIndex >= this.#upTo;
  }

  quantity(name: string): number {
    return this.#stocks.get(name)?.quantity ?? 0;
  }

  /** Starts again with nothing. Its links have to be broken before. */
  restart(): void {
    this.#stocks = new Map();
    this.#life = null;
    this.#hash = '';
    this.#lastIndex = 0;
    this.#upTo = Infinity;
    this.#told.clear();
    this.#parts.clear();
  }

  linkClosed(link: number): void {
    this.#told.delete(link);
    this.#parts.delete(link);
  }

  /** @returns the answer; null for what has none */
  handle(frame: LeaderToCatalog, link = 1): CatalogToLeader | null {
    const lastIndex = this.#lastIndex;
    switch (frame.t) {
      case 'begin':
        this.#told.add(link);
        return { t: 'standing', lastIndex, hash: this.#hash };
      case 'attach':
        if (!this.#told.has(link)) return { t: 'refused', lastIndex };
        this.#upTo = Math.min(this.#upTo, frame.upTo);
        return null;
      case 'snapshot':
        return this.#addPart(frame, link);
      case 'entry':
        return this.#entry(frame);
    }
  }

  #addPart(frame: SnapshotFrame, link: number): CatalogToLeader | null {
    const parts = [...(this.#parts.get(link) ?? []), frame];
    this.#parts.set(link, parts);
    assert.is(frame.part, parts.length - 1, 'parts come in their order');
    if (parts.length < frame.parts) return null;
    this.#parts.delete(link);
    const { index, life, hash } = frame;
    if (this.#life !== null && (life !== this.#life || index < this.#lastIndex)) {
      // It goes back: what leaders were told of it is true no more.
      this.#told.clear();
      this.#upTo = Infinity;
    }
    const stocks = parts.flatMap((part) => part.stocks);
    this.#stocks = new Map(stocks.map(([name, price, quantity]) => [name, { price, quantity }]));
    [this.#life, this.#hash, this.#lastIndex] = [life, hash, index];
    return { t: 'revoked', index };
  }

  #entry({ index, prev, skip, hash, batch }: EntryFrame): CatalogToLeader {
    const lastIndex = this.#lastIndex;
    if (index <= lastIndex) return { t: 'revoked', index };
    if (this.#life === null || prev !== lastIndex) return { t: 'refused', lastIndex };
    const outcomes = decodeBatch(batch).commands.map((command, position) =>
      skip.includes(position) ? ({ kind: 'none' } as const) : decideOne(this.#stocks, command),
    );
    const own = nextHash(this.#hash, batch, outcomes);
    assert.is(hash, own, `replica and reference decide ${index} alike`);
    [this.#hash, this.#lastIndex] = [own, index];
    return { t: 'revoked', index };
  }
}

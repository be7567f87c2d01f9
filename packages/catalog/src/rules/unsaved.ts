/**
 * What was decided and is not on disk yet, of any number of rounds, as one write. It holds each stock and each log index
 * once, so it is bounded by the stocks and by the outcomes on record, however long the disk takes.
 */
import type { Stock } from '@trireme/domain';
import type { RecordedOutcomes } from './ledger.js';
import type { CatalogWrite } from './round.js';

export class Unsaved {
  /** Made anew for each write: see `TransientMap` for what comes of tables that are filled and emptied on end. */
  #stocks = new Map<string, Stock>();
  #outcomes = new Map<number, RecordedOutcomes>();
  #forgotten = new Set<number>();
  /** Where it leads to; null if there is nothing to write. */
  #end: Pick<CatalogWrite, 'lastIndex' | 'settled'> | null = null;

  get isEmpty(): boolean {
    return this.#end === null;
  }

  /** Adds the next round behind those before it. */
  add({ lastIndex, settled, stocks, outcomes, forgotten }: CatalogWrite): void {
    this.#end = { lastIndex, settled };
    for (const stock of stocks) this.#stocks.set(stock.name, stock);
    for (const recorded of outcomes) this.#outcomes.set(recorded[0], recorded);
    // What never reached the disk need not be taken from there.
    for (const index of forgotten) if (!this.#outcomes.delete(index)) this.#forgotten.add(index);
  }

  /** Hands out everything, as one write; null if there is nothing. */
  take(): CatalogWrite | null {
    if (this.#end === null) return null;
    const write = {
      ...this.#end,
      stocks: [...this.#stocks.values()],
      outcomes: [...this.#outcomes.values()],
      forgotten: [...this.#forgotten],
    };
    this.#end = null;
    this.#stocks = new Map();
    this.#outcomes = new Map();
    this.#forgotten = new Set();
    return write;
  }
}

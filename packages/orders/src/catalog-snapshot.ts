/** The stock table on its way to a catalog, in frames of bounded size. */
import type { LeaderToCatalog, StockWire } from '@trireme/domain';
import type { StockTable } from '@trireme/state-machine';
import type { BookMeta } from './rules/state.js';

/** Stocks in one frame at most: less than 100 KiB. */
const SNAPSHOT_PART_STOCKS = 1000;

/** The table as it is now, as of the last batch in the book. */
export function* snapshotFrames(meta: BookMeta, table: StockTable): Generator<LeaderToCatalog> {
  const { lastIndex: index, life, hash } = meta;
  const stocks = Array.from(table.all(), ({ name, price, quantity, version }): StockWire => {
    return [name, price, quantity, version];
  });
  const parts = Math.max(1, Math.ceil(stocks.length / SNAPSHOT_PART_STOCKS));
  for (let part = 0; part < parts; part += 1) {
    const from = part * SNAPSHOT_PART_STOCKS;
    yield {
      ...{ t: 'snapshot', index, life, hash, part, parts },
      stocks: stocks.slice(from, from + SNAPSHOT_PART_STOCKS),
    };
  }
}

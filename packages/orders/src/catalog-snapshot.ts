/** The stock table on its way to a catalog, in frames of bounded size. */
import { inParts, type LeaderToCatalog, type StockWire } from '@trireme/domain';
import type { StockTable } from '@trireme/state-machine';
import type { BookMeta } from './rules/state.js';

/** Stocks in one frame at most: less than 100 KiB. */
const SNAPSHOT_PART_STOCKS = 1000;

/** The table as it is now, as of the last batch in the book. */
export function snapshotFrames(meta: BookMeta, table: StockTable): readonly LeaderToCatalog[] {
  const { lastIndex: index, life, hash } = meta;
  const stocks = Array.from(table.all(), ({ name, price, quantity, version }): StockWire => {
    return [name, price, quantity, version];
  });
  const parts = inParts(stocks, SNAPSHOT_PART_STOCKS);
  return parts.map((part, position) => ({
    ...{ t: 'snapshot', index, life, hash, part: position, parts: parts.length },
    stocks: part,
  }));
}

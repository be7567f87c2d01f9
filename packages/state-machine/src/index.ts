/** What the log's entries make of stocks: one definition for replicas and catalogs. */
export { decide } from './decide.js';
export { EMPTY_HASH, nextHash } from './log-hash.js';
export { DEFAULT_SEED, parseSeed, seedHash, seedParts } from './seed.js';
export { StockDraft, StockTable } from './stock-table.js';

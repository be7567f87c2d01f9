/** The state machine of stocks, shared by replicas and catalogs. */
export { decideBatch } from './decide.js';
export { EMPTY_HASH, nextHash } from './log-hash.js';
export { DEFAULT_SEED, parseSeed, seedHash, splitSeed } from './seed.js';
export { StockDraft, StockTable } from './stock-table.js';

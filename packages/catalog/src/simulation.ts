/** The rules of the catalog, for the simulator of the whole system. */
export { CatalogCore } from './rules/catalog-core.js';
export type { CatalogEvent } from './rules/effects.js';

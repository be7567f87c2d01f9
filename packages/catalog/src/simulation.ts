/** What the simulator of the whole system runs of the catalog: its rules. */
export { Catalog } from './rules/catalog.js';
export type { CatalogEvent } from './rules/effects.js';

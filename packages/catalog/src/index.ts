/** The catalog, for those who run it inside their own process: tests of other parts. */
export { DEFAULT_SEED, loadSeedFile, parseSeed, SeedError } from './seed.js';
export { CatalogService, type CatalogServiceOptions } from './service.js';
export { StoreError, type StoreErrorCode } from './store-error.js';
export { CatalogStore, type StoreOptions } from './store.js';
export { examineCatalog, type CatalogExamination } from './examine.js';

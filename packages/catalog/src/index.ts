/** The catalog, for those who run it inside their own process: tests of other parts. */
export { CatalogService, type CatalogServiceOptions } from './service.js';

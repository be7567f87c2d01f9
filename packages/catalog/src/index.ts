/** The catalog service, for tests of other packages that run it in their own process. */
export { CatalogService, type CatalogServiceOptions } from './service.js';

export { TriremeClient, type CallOptions, type ClientOptions, type OrderReceipt } from './client.js';
export { ClientError, type ClientStatus } from './errors.js';
export type { OrderView, Page, StockView } from './rules/answers.js';
export { SeededRandom } from './rules/random.js';
export {
  formatReport,
  hasNoFailures,
  type LatencySummary,
  type ShoppingReport,
  type RequestType,
} from './rules/report.js';
export { runShoppers, type ShoppingOptions } from './shopping.js';

export { TriremeClient, type CallOptions, type ClientOptions, type Placed } from './client.js';
export { ClientError, type ClientStatus } from './errors.js';
export type { OrderAnswer, Page, StockAnswer } from './rules/answers.js';
export { SeededRandom } from './rules/random.js';
export { formatReport, isClean, type Latency, type Report, type RequestType } from './rules/report.js';
export { shop, type ShoppingOptions } from './shopping.js';

export * from './codec.js';
export * from './command.js';
export * from './errors.js';
export * from './frames/catalog-replica.js';
export * from './frames/frontend-catalog.js';
export * from './frames/frontend-replica.js';
export * from './frames/reports.js';
export { parseFrame } from './frames/schema.js';
export {
  stockToWire,
  toOrder,
  toStock,
  type CatalogWire,
  type LookupItem,
  type MemberWire,
  type MembershipFrame,
  type OrderWire,
  type StockWire,
} from './frames/values.js';
export * from './guards.js';
export * from './strict-json.js';
export * from './idempotency-key.js';
export * from './money.js';
export * from './order.js';
export * from './parts.js';
export * from './protocol.js';
export * from './requests.js';
export * from './schemas.js';
export * from './stock.js';
export * from './transient-map.js';

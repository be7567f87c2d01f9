/**
 * Validates the frames that replicas and catalogs send. An invalid answer is returned with the id of its
 * request, so that only that request is affected. Any other invalid frame closes the link.
 */
import {
  expectBoolean,
  parseCatalogItems,
  expectInteger,
  expectItems,
  expectList,
  parseMembersFrame,
  expectObject,
  expectText,
  FormatError,
  formatErrorMessage,
  ORDER_TIME_MS_MAX,
  PAGE_ROWS_MAX,
  PRICE_CENTS_MAX,
  type CatalogToFrontend,
  type CheckedItems,
  type ReplicaToFrontend,
  type OrderReadResult,
  type CatalogLookupResult,
  type Order,
  type Stock,
  type StockReadResult,
  type StockWire,
  type SubmitResult,
  type OrderWire,
} from '@trireme/domain';
import { parseCatalogReport, parseReplicaReport } from './reports.js';

const LIFE = /^[A-Za-z0-9]{1,64}$/;

/** Maximum duration of a lease, in milliseconds. */
const LEASE_MS_MAX = 60_000;

/** An invalid answer to the list request `id`, or an invalid report. */
export type InvalidFrame =
  | { readonly t: 'invalidPage'; readonly id: number; readonly reason: string }
  | { readonly t: 'invalidReport'; readonly reason: string };

/** `ReplicaToFrontend`, with the invalid items of a frame set apart. */
export type ReplicaFrame =
  | Exclude<ReplicaToFrontend, { readonly t: 'submitted' | 'got' | 'stocks' }>
  | ({ readonly t: 'submitted' } & CheckedItems<SubmitResult>)
  | ({ readonly t: 'got' } & CheckedItems<OrderReadResult>)
  | ({ readonly t: 'stocks'; readonly life: string } & CheckedItems<StockReadResult>)
  | InvalidFrame;

/** `CatalogToFrontend`, with the invalid items of a frame set apart. */
export type CatalogFrame =
  | Exclude<CatalogToFrontend, { readonly t: 'stocks' }>
  | ({ readonly t: 'stocks' } & CheckedItems<CatalogLookupResult>)
  | InvalidFrame;

/** @throws FormatError if the message is not a valid frame of a replica. */
export function parseReplicaFrame(message: unknown): ReplicaFrame {
  const frame = expectObject(message, 'replica frame');
  switch (frame['t']) {
    case 'leader':
      return {
        t: 'leader',
        self: expectText(frame['self'], 'self'),
        leader: frame['leader'] === null ? null : expectText(frame['leader'], 'leader'),
        term: expectInteger(frame['term'], 'term'),
      };
    case 'members':
      return parseMembersFrame(frame);
    case 'catalogs':
      return { t: 'catalogs', items: parseCatalogItems(frame['items']) };
    case 'submitted':
      return { t: 'submitted', ...expectItems(frame['items'], submitResult) };
    case 'got':
      return { t: 'got', ...expectItems(frame['items'], getResult) };
    case 'page':
      return asPage(frame, (id) => ({
        t: 'page',
        id,
        orders: rows(frame['orders']).map(orderWire),
        next: frame['next'] === null ? null : expectInteger(frame['next'], 'next'),
      }));
    case 'stocks':
      return { t: 'stocks', life: asLife(frame['life']), ...expectItems(frame['items'], stockResult) };
    case 'stockPage':
      return asPage(frame, (id) => ({ t: 'stockPage', id, ...stockRows(frame) }));
    case 'pageRefused':
      return asPage(frame, (id) => ({ t: 'pageRefused', id, why: refusal(frame['why']) }));
    case 'pageInvalid':
      return asPage(frame, (id) => ({ t: 'pageInvalid', id, reason: expectText(frame['reason'], 'reason') }));
    case 'report':
      return asReport(() => ({ t: 'report', report: parseReplicaReport(frame['report']) }));
    default:
      throw new FormatError('replica frame has an unknown kind');
  }
}

/** The id is used in entity tags without escaping. */
function asLife(value: unknown): string {
  const life = expectText(value, 'life');
  if (LIFE.test(life)) return life;
  throw new FormatError('life is not 1 to 64 letters and digits');
}

/** @throws FormatError if the message is not a valid frame of a catalog. */
export function parseCatalogFrame(message: unknown): CatalogFrame {
  const frame = expectObject(message, 'catalog frame');
  switch (frame['t']) {
    case 'life':
      return { t: 'life', life: asLife(frame['life']) };
    case 'lease':
      return {
        t: 'lease',
        id: expectInteger(frame['id'], 'id'),
        ms: leaseMs(frame['ms']),
      };
    case 'stocks':
      return { t: 'stocks', ...expectItems(frame['items'], lookupResult) };
    case 'page':
      return asPage(frame, (id) => ({ t: 'page', id, ...stockRows(frame) }));
    case 'pageUnready':
      return { t: 'pageUnready', id: expectInteger(frame['id'], 'id') };
    case 'pageInvalid':
      return asPage(frame, (id) => ({ t: 'pageInvalid', id, reason: expectText(frame['reason'], 'reason') }));
    case 'report':
      return asReport(() => ({ t: 'report', report: parseCatalogReport(frame['report']) }));
    case 'revoke':
      return {
        t: 'revoke',
        seq: expectInteger(frame['seq'], 'seq'),
        names: expectList(frame['names'], 'names').map((name) => expectText(name, 'name')),
      };
    default:
      throw new FormatError('catalog frame has an unknown kind');
  }
}

/** Converts an order of a validated frame. */
export function toOrder([number, name, type, quantity, price, time]: OrderWire): Order {
  return { number, name, type, quantity, price, time };
}

/** Converts a stock of a validated frame. */
export function toStock([name, price, quantity, version]: StockWire): Stock {
  return { name, price, quantity, version };
}

function asPage<Page>(
  frame: Readonly<Record<string, unknown>>,
  check: (id: number) => Page,
): Page | InvalidFrame {
  const id = expectInteger(frame['id'], 'id');
  try {
    return check(id);
  } catch (error) {
    return { t: 'invalidPage', id, reason: formatErrorMessage(error) };
  }
}

function asReport<Report>(check: () => Report): Report | InvalidFrame {
  try {
    return check();
  } catch (error) {
    return { t: 'invalidReport', reason: formatErrorMessage(error) };
  }
}

function submitResult(id: number, item: readonly unknown[]): SubmitResult {
  switch (item[1]) {
    case 'filled':
      return [id, 'filled', expectInteger(item[2], 'order number', 1), cents(item[3])];
    case 'done':
      return [id, 'done'];
    case 'rejected':
      return [id, 'rejected', expectText(item[2], 'reason')];
    case 'keyReused':
      return [id, 'keyReused'];
    case 'refused':
      return [id, 'refused', refusal(item[2])];
    case 'lost':
      return [id, 'lost'];
    case 'invalid':
      return [id, 'invalid', expectText(item[2], 'reason')];
    default:
      throw new FormatError('submit result has an unknown kind');
  }
}

function getResult(id: number, item: readonly unknown[]): OrderReadResult {
  return item[1] === 'order' ? [id, 'order', orderWire(item[2])] : notFound(id, item, 'get');
}

function stockResult(id: number, item: readonly unknown[]): StockReadResult {
  return item[1] === 'stock' ? [id, 'stock', stockWire(item[2])] : notFound(id, item, 'stock');
}

/** Results of a read at a replica other than the requested value. */
function notFound(id: number, item: readonly unknown[], what: string): OrderReadResult & StockReadResult {
  switch (item[1]) {
    case 'missing':
      return [id, 'missing'];
    case 'refused':
      return [id, 'refused', refusal(item[2])];
    case 'invalid':
      return [id, 'invalid', expectText(item[2], 'reason')];
    default:
      throw new FormatError(`${what} result has an unknown kind`);
  }
}

function lookupResult(id: number, item: readonly unknown[]): CatalogLookupResult {
  switch (item[1]) {
    case 'stock':
      return [id, 'stock', stockWire(item[2]), expectBoolean(item[3], 'cacheable')];
    case 'missing':
      return [id, 'missing'];
    case 'unready':
      return [id, 'unready'];
    case 'invalid':
      return [id, 'invalid', expectText(item[2], 'reason')];
    default:
      throw new FormatError('look-up result has an unknown kind');
  }
}

function orderWire(value: unknown): OrderWire {
  const [number, name, type, quantity, price, time] = expectList(value, 'order');
  if (type !== 'buy' && type !== 'sell') throw new FormatError('order has an unknown type');
  const timeMs = expectInteger(time, 'time');
  if (timeMs > ORDER_TIME_MS_MAX) throw new FormatError('time is after the year 9999');
  return [
    expectInteger(number, 'order number', 1),
    expectText(name, 'name'),
    type,
    expectInteger(quantity, 'quantity', 1),
    cents(price),
    timeMs,
  ];
}

function stockWire(value: unknown): StockWire {
  const [name, price, quantity, version] = expectList(value, 'stock');
  return [
    expectText(name, 'name'),
    cents(price),
    expectInteger(quantity, 'quantity'),
    expectInteger(version, 'version'),
  ];
}

/** A page of stocks. */
function stockRows(frame: Readonly<Record<string, unknown>>): {
  readonly stocks: readonly StockWire[];
  readonly next: string | null;
} {
  return {
    stocks: rows(frame['stocks']).map(stockWire),
    next: frame['next'] === null ? null : expectText(frame['next'], 'next'),
  };
}

/** The remaining time of an authority, which need not be a whole number. */
function leaseMs(value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0)) throw new FormatError('ms is not a duration');
  return Math.min(value, LEASE_MS_MAX);
}

function cents(value: unknown): number {
  const price = expectInteger(value, 'price', 1);
  if (price > PRICE_CENTS_MAX) throw new FormatError(`price exceeds ${PRICE_CENTS_MAX} cents`);
  return price;
}

function refusal(value: unknown): 'notLeader' | 'busy' {
  if (value !== 'notLeader' && value !== 'busy') throw new FormatError('refusal has an unknown reason');
  return value;
}

function rows(value: unknown): readonly unknown[] {
  const list = expectList(value, 'rows');
  if (list.length > PAGE_ROWS_MAX) throw new FormatError(`page has more than ${PAGE_ROWS_MAX} rows`);
  return list;
}

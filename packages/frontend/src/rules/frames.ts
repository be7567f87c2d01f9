/**
 * Checks of the frames that replicas and catalogs send. An answer that is not as the protocol says is set apart by the
 * id of its question, so that it costs no other; any other such frame closes the link.
 */
import {
  asBoolean,
  asCatalogItems,
  asInteger,
  asItems,
  asList,
  asMembersFrame,
  asObject,
  asText,
  FormatError,
  invalidReason,
  ORDER_TIME_MS_MAX,
  PAGE_ROWS_MAX,
  PRICE_CENTS_MAX,
  type CatalogToFrontend,
  type CheckedItems,
  type FromReplica,
  type GetResult,
  type LookupResult,
  type Order,
  type Stock,
  type StockResult,
  type StockWire,
  type SubmitResult,
  type OrderWire,
} from '@trireme/domain';
import { catalogReport, replicaReport } from './reports.js';

const LIFE = /^[A-Za-z0-9]{1,64}$/;

/** Milliseconds of a lease at most. */
const LEASE_MS_MAX = 60_000;

/** An answer that is not as the protocol says, to the list `id`; or a report, which nobody waits for. */
export type InvalidFrame =
  | { readonly t: 'invalidPage'; readonly id: number; readonly reason: string }
  | { readonly t: 'invalidReport'; readonly reason: string };

/** `FromReplica`, and what of it is not as the protocol says. */
export type ReplicaFrame =
  | Exclude<FromReplica, { readonly t: 'submitted' | 'got' | 'stocks' }>
  | ({ readonly t: 'submitted' } & CheckedItems<SubmitResult>)
  | ({ readonly t: 'got' } & CheckedItems<GetResult>)
  | ({ readonly t: 'stocks'; readonly life: string } & CheckedItems<StockResult>)
  | InvalidFrame;

/** `CatalogToFrontend`, and what of it is not as the protocol says. */
export type CatalogFrame =
  | Exclude<CatalogToFrontend, { readonly t: 'stocks' }>
  | ({ readonly t: 'stocks' } & CheckedItems<LookupResult>)
  | InvalidFrame;

/** @throws FormatError if it is not a frame of a replica. */
export function parseFromReplica(message: unknown): ReplicaFrame {
  const frame = asObject(message, 'frame of a replica');
  switch (frame['t']) {
    case 'leader':
      return {
        t: 'leader',
        self: asText(frame['self'], 'self'),
        leader: frame['leader'] === null ? null : asText(frame['leader'], 'leader'),
        term: asInteger(frame['term'], 'term'),
      };
    case 'members':
      return asMembersFrame(frame);
    case 'catalogs':
      return { t: 'catalogs', items: asCatalogItems(frame['items']) };
    case 'submitted':
      return { t: 'submitted', ...asItems(frame['items'], submitResult) };
    case 'got':
      return { t: 'got', ...asItems(frame['items'], getResult) };
    case 'page':
      return asPage(frame, (id) => ({
        t: 'page',
        id,
        orders: rows(frame['orders']).map(orderWire),
        next: frame['next'] === null ? null : asInteger(frame['next'], 'next'),
      }));
    case 'stocks':
      return { t: 'stocks', life: asLife(frame['life']), ...asItems(frame['items'], stockResult) };
    case 'stockPage':
      return asPage(frame, (id) => ({ t: 'stockPage', id, ...stockRows(frame) }));
    case 'pageRefused':
      return asPage(frame, (id) => ({ t: 'pageRefused', id, why: refusal(frame['why']) }));
    case 'pageInvalid':
      return asPage(frame, (id) => ({ t: 'pageInvalid', id, reason: asText(frame['reason'], 'reason') }));
    case 'report':
      return asReport(() => ({ t: 'report', report: replicaReport(frame['report']) }));
    default:
      throw new FormatError('frame of a replica is of unknown kind');
  }
}

/** It stands in entity tags as it is. */
function asLife(value: unknown): string {
  const life = asText(value, 'life');
  if (LIFE.test(life)) return life;
  throw new FormatError('life is not 1 to 64 letters and digits');
}

/** @throws FormatError if it is not a frame of a catalog. */
export function parseFromCatalog(message: unknown): CatalogFrame {
  const frame = asObject(message, 'frame of a catalog');
  switch (frame['t']) {
    case 'life':
      return { t: 'life', life: asLife(frame['life']) };
    case 'lease':
      return {
        t: 'lease',
        id: asInteger(frame['id'], 'id'),
        ms: leaseMs(frame['ms']),
      };
    case 'stocks':
      return { t: 'stocks', ...asItems(frame['items'], lookupResult) };
    case 'page':
      return asPage(frame, (id) => ({ t: 'page', id, ...stockRows(frame) }));
    case 'pageUnready':
      return { t: 'pageUnready', id: asInteger(frame['id'], 'id') };
    case 'pageInvalid':
      return asPage(frame, (id) => ({ t: 'pageInvalid', id, reason: asText(frame['reason'], 'reason') }));
    case 'report':
      return asReport(() => ({ t: 'report', report: catalogReport(frame['report']) }));
    case 'revoke':
      return {
        t: 'revoke',
        seq: asInteger(frame['seq'], 'seq'),
        names: asList(frame['names'], 'names').map((name) => asText(name, 'name')),
      };
    default:
      throw new FormatError('frame of a catalog is of unknown kind');
  }
}

/** The order that stands in a checked frame. */
export function orderOf([number, name, type, quantity, price, time]: OrderWire): Order {
  return { number, name, type, quantity, price, time };
}

/** The stock that stands in a checked frame. */
export function stockOf([name, price, quantity, version]: StockWire): Stock {
  return { name, price, quantity, version };
}

function asPage<Page>(
  frame: Readonly<Record<string, unknown>>,
  check: (id: number) => Page,
): Page | InvalidFrame {
  const id = asInteger(frame['id'], 'id');
  try {
    return check(id);
  } catch (error) {
    return { t: 'invalidPage', id, reason: invalidReason(error) };
  }
}

function asReport<Report>(check: () => Report): Report | InvalidFrame {
  try {
    return check();
  } catch (error) {
    return { t: 'invalidReport', reason: invalidReason(error) };
  }
}

function submitResult(id: number, item: readonly unknown[]): SubmitResult {
  switch (item[1]) {
    case 'filled':
      return [id, 'filled', asInteger(item[2], 'order number', 1), cents(item[3])];
    case 'done':
      return [id, 'done'];
    case 'rejected':
      return [id, 'rejected', asText(item[2], 'reason')];
    case 'keyReused':
      return [id, 'keyReused'];
    case 'refused':
      return [id, 'refused', refusal(item[2])];
    case 'lost':
      return [id, 'lost'];
    case 'invalid':
      return [id, 'invalid', asText(item[2], 'reason')];
    default:
      throw new FormatError('submit result is of unknown kind');
  }
}

function getResult(id: number, item: readonly unknown[]): GetResult {
  return item[1] === 'order' ? [id, 'order', orderWire(item[2])] : notFound(id, item, 'get');
}

function stockResult(id: number, item: readonly unknown[]): StockResult {
  return item[1] === 'stock' ? [id, 'stock', stockWire(item[2])] : notFound(id, item, 'stock');
}

/** What a read at a replica may come to beside what it asks for. */
function notFound(id: number, item: readonly unknown[], what: string): GetResult & StockResult {
  switch (item[1]) {
    case 'missing':
      return [id, 'missing'];
    case 'refused':
      return [id, 'refused', refusal(item[2])];
    case 'invalid':
      return [id, 'invalid', asText(item[2], 'reason')];
    default:
      throw new FormatError(`${what} result is of unknown kind`);
  }
}

function lookupResult(id: number, item: readonly unknown[]): LookupResult {
  switch (item[1]) {
    case 'stock':
      return [id, 'stock', stockWire(item[2]), asBoolean(item[3], 'cacheable')];
    case 'missing':
      return [id, 'missing'];
    case 'unready':
      return [id, 'unready'];
    case 'invalid':
      return [id, 'invalid', asText(item[2], 'reason')];
    default:
      throw new FormatError('lookup result is of unknown kind');
  }
}

function orderWire(value: unknown): OrderWire {
  const [number, name, type, quantity, price, time] = asList(value, 'order');
  if (type !== 'buy' && type !== 'sell') throw new FormatError('order is of unknown type');
  const timeMs = asInteger(time, 'time');
  if (timeMs > ORDER_TIME_MS_MAX) throw new FormatError('time is after the year 9999');
  return [
    asInteger(number, 'order number', 1),
    asText(name, 'name'),
    type,
    asInteger(quantity, 'quantity', 1),
    cents(price),
    timeMs,
  ];
}

function stockWire(value: unknown): StockWire {
  const [name, price, quantity, version] = asList(value, 'stock');
  return [asText(name, 'name'), cents(price), asInteger(quantity, 'quantity'), asInteger(version, 'version')];
}

/** A page of stocks. */
function stockRows(frame: Readonly<Record<string, unknown>>): {
  readonly stocks: readonly StockWire[];
  readonly next: string | null;
} {
  return {
    stocks: rows(frame['stocks']).map(stockWire),
    next: frame['next'] === null ? null : asText(frame['next'], 'next'),
  };
}

/** What is left of an authority: no whole number. */
function leaseMs(value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0)) throw new FormatError('ms is no duration');
  return Math.min(value, LEASE_MS_MAX);
}

function cents(value: unknown): number {
  const price = asInteger(value, 'price', 1);
  if (price > PRICE_CENTS_MAX) throw new FormatError('price out of bounds');
  return price;
}

function refusal(value: unknown): 'notLeader' | 'busy' {
  if (value !== 'notLeader' && value !== 'busy') throw new FormatError('refusal for an unknown reason');
  return value;
}

function rows(value: unknown): readonly unknown[] {
  const list = asList(value, 'rows');
  if (list.length > PAGE_ROWS_MAX) throw new FormatError(`page of more than ${PAGE_ROWS_MAX} rows`);
  return list;
}

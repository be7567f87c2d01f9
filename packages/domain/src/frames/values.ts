/** Values in frames between processes. Values of which a frame may have many are flat lists. */
import { CATALOGS_MAX, isCatalogId } from '../command.js';
import { FormatError } from '../errors.js';
import { expectInteger, expectList, expectText } from '../guards.js';
import { PRICE_CENTS_MAX, type Cents } from '../money.js';
import { ORDER_NAME_LENGTH_MAX, ORDER_TIME_MS_MAX, type Order } from '../order.js';
import { FRAME_ITEMS_MAX, PAGE_ROWS_MAX } from '../protocol.js';
import type { Stock } from '../stock.js';
import {
  fields,
  integer,
  items,
  listOf,
  matching,
  nullable,
  oneOf,
  text,
  type Check,
  type SentFrame,
} from './schema.js';

/** Maximum number of members of a group. */
const MEMBERS_MAX = 15;

/** The life of a cluster as front-ends receive it: they use it in entity tags without escaping. */
export const life = matching(/^[A-Za-z0-9]{1,64}$/, '1 to 64 letters and digits');

/** The life of a cluster; empty if the sender does not know it, or refuses everything. */
export const lifeOrNone = matching(/^[A-Za-z0-9]{0,64}$/, 'at most 64 letters and digits');

/** Why a replica does not answer a request: retry at the leader, or later. */
export const refusalReason = oneOf(['notLeader', 'busy']);

/** The number of rows that a list requests. */
export const pageLimit: Check<number> = (value, what) => {
  const limit = expectInteger(value, what, 1);
  if (limit > PAGE_ROWS_MAX) throw new FormatError(`${what} is above ${PAGE_ROWS_MAX}`);
  return limit;
};

/** The name after which a list of stocks starts. */
export const afterName = text(ORDER_NAME_LENGTH_MAX);

/** The URL of an internal port. */
export const url: Check<string> = (value, what) => {
  const checked = expectText(value, what);
  if (URL.canParse(checked) && /^https?:/.test(checked)) return checked;
  throw new FormatError(`${what} is not an http or https URL`);
};

const urlOrNull = nullable(url);

export function cents(value: unknown): Cents {
  const price = expectInteger(value, 'price', 1);
  if (price > PRICE_CENTS_MAX) throw new FormatError('price out of bounds');
  return price;
}

// ---- orders and stocks ---------------------------------------------------------------------------------------

/** `[number, name, type, quantity, price, time]` */
export type OrderWire = ReturnType<typeof orderWire>;

export function orderWire(value: unknown) {
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
  ] as const;
}

/** Converts an order from its form in frames. */
export function toOrder([number, name, type, quantity, price, time]: OrderWire): Order {
  return { number, name, type, quantity, price, time };
}

/** `[name, price, quantity, version]` */
export type StockWire = ReturnType<typeof stockWire>;

export function stockWire(value: unknown) {
  const [name, price, quantity, version] = expectList(value, 'stock');
  return [
    expectText(name, 'name'),
    cents(price),
    expectInteger(quantity, 'quantity'),
    expectInteger(version, 'version'),
  ] as const;
}

/** Converts a stock to its form in frames. */
export function stockToWire({ name, price, quantity, version }: Stock): StockWire {
  return [name, price, quantity, version];
}

/** Converts a stock from its form in frames. */
export function toStock([name, price, quantity, version]: StockWire): Stock {
  return { name, price, quantity, version };
}

/** The fields of a page of stocks. The next page starts after the name `next`, which is null at the end. */
export const stockPage = {
  stocks: listOf(stockWire, 'row', PAGE_ROWS_MAX),
  next: nullable(text()),
};

// ---- look-ups ------------------------------------------------------------------------------------------------

/** A stock to look up. */
export type LookupItem = ReturnType<typeof lookupItem>;

function lookupItem(id: number, [, name]: readonly unknown[]) {
  return [id, expectText(name, 'stock name', ORDER_NAME_LENGTH_MAX)] as const;
}

/** Stocks to look up. */
export const lookup = items(lookupItem, FRAME_ITEMS_MAX);

// ---- members and catalogs ------------------------------------------------------------------------------------

/** A member of the group and the URL of its internal port; null if the group does not know it. */
export type MemberWire = ReturnType<typeof memberWire>;

function memberWire(value: unknown) {
  const [id, memberUrl] = expectList(value, 'member');
  return [expectText(id, 'id'), urlOrNull(memberUrl, 'url')] as const;
}

/** The members of the group. Of two frames the one with the higher index is newer. */
export const members = fields({ index: integer(), items: listOf(memberWire, 'member', MEMBERS_MAX) });

/** The frame with the members of the group, for front-ends and catalogs. */
export type MembershipFrame = SentFrame<{ members: typeof members }>;

/** A catalog of the configured set and the URL of its internal port; null if it has no link to this replica. */
export type CatalogWire = ReturnType<typeof catalogWire>;

function catalogWire(value: unknown) {
  const [id, catalogUrl] = expectList(value, 'catalog');
  if (!isCatalogId(id)) throw new FormatError('invalid catalog id');
  return [id, urlOrNull(catalogUrl, 'url')] as const;
}

/** The configured set of catalogs. Replicas may know the URLs of different catalogs. */
export const catalogs = fields({ items: listOf(catalogWire, 'catalog', CATALOGS_MAX) });

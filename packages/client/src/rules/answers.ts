/** Reads the answers of the HTTP contract. Each reader throws `FormatError` where the answer is not the contract's. */
import {
  asInteger,
  asList,
  asObject,
  asText,
  ERROR_CODES,
  FormatError,
  type ErrorStatus,
  type OrderType,
} from '@trireme/domain';

/** A stock as clients see it. */
export interface StockAnswer {
  readonly name: string;
  /** Decimal currency. */
  readonly price: number;
  readonly quantity: number;
}

/** An order as clients see it. */
export interface OrderAnswer {
  readonly number: number;
  readonly name: string;
  readonly type: OrderType;
  readonly quantity: number;
  /** Decimal currency. */
  readonly price: number;
  /** ISO 8601, UTC. */
  readonly time: string;
}

/** One page of a list. */
export interface Page<T> {
  readonly data: readonly T[];
  /** Where to go on, to be given as `after`; null at the end. */
  readonly next: string | null;
}

/** What an error answer says. */
export interface ErrorAnswer {
  readonly status: ErrorStatus;
  readonly message: string;
}

export function readStock(body: unknown): StockAnswer {
  return stockOf(asObject(body, 'answer')['data']);
}

export function readOrder(body: unknown): OrderAnswer {
  return orderOf(asObject(body, 'answer')['data']);
}

/** The number of a placed order. */
export function readTransactionNumber(body: unknown): number {
  const data = asObject(asObject(body, 'answer')['data'], 'data');
  return asInteger(data['transaction_number'], 'transaction_number', 1);
}

export function readStocks(body: unknown): Page<StockAnswer> {
  return readPage(body, stockOf);
}

export function readOrders(body: unknown): Page<OrderAnswer> {
  return readPage(body, orderOf);
}

/** An error answer, null if it is not one of the contract. */
export function readError(body: unknown): ErrorAnswer | null {
  try {
    const error = asObject(asObject(body, 'answer')['error'], 'error');
    const status = asText(error['status'], 'status');
    return isErrorStatus(status) ? { status, message: asText(error['message'], 'message') } : null;
  } catch {
    return null;
  }
}

function isErrorStatus(word: string): word is ErrorStatus {
  return Object.hasOwn(ERROR_CODES, word);
}

function readPage<T>(body: unknown, read: (value: unknown) => T): Page<T> {
  const page = asObject(body, 'answer');
  const { next } = page;
  if (next !== null && typeof next !== 'string' && typeof next !== 'number') {
    throw new FormatError('next is neither a cursor nor null');
  }
  return { data: asList(page['data'], 'data').map(read), next: next === null ? null : String(next) };
}

function stockOf(value: unknown): StockAnswer {
  const stock = asObject(value, 'stock');
  return {
    name: asText(stock['name'], 'name'),
    price: asPrice(stock['price']),
    quantity: asInteger(stock['quantity'], 'quantity'),
  };
}

function orderOf(value: unknown): OrderAnswer {
  const order = asObject(value, 'order');
  const type = order['type'];
  if (type !== 'buy' && type !== 'sell') throw new FormatError('type is neither buy nor sell');
  return {
    number: asInteger(order['number'], 'number', 1),
    name: asText(order['name'], 'name'),
    type,
    quantity: asInteger(order['quantity'], 'quantity', 1),
    price: asPrice(order['price']),
    time: asText(order['time'], 'time'),
  };
}

function asPrice(value: unknown): number {
  if (typeof value !== 'number' || value <= 0) throw new FormatError('price is not a positive number');
  return value;
}

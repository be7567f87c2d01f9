/** Parses answers of the HTTP contract. Each function throws `FormatError` for an answer that does not follow it. */
import {
  expectInteger,
  expectList,
  expectObject,
  expectText,
  HTTP_STATUS_OF,
  FormatError,
  type ErrorStatus,
  type OrderType,
} from '@trireme/domain';

/** A stock in an answer. */
export interface StockView {
  readonly name: string;
  /** Decimal currency. */
  readonly price: number;
  readonly quantity: number;
}

/** An order in an answer. */
export interface OrderView {
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
  /** Cursor of the next page, for `after`; null at the end of the list. */
  readonly next: string | null;
}

/** The error in an answer. */
export interface ErrorBody {
  readonly status: ErrorStatus;
  readonly message: string;
}

export function readStock(body: unknown): StockView {
  return stockOf(expectObject(body, 'answer')['data']);
}

export function readOrder(body: unknown): OrderView {
  return orderOf(expectObject(body, 'answer')['data']);
}

/** Parses the number of a placed order. */
export function readTransactionNumber(body: unknown): number {
  const data = expectObject(expectObject(body, 'answer')['data'], 'data');
  return expectInteger(data['transaction_number'], 'transaction_number', 1);
}

export function readStocks(body: unknown): Page<StockView> {
  return readPage(body, stockOf);
}

export function readOrders(body: unknown): Page<OrderView> {
  return readPage(body, orderOf);
}

/** Parses an error answer; null if it does not follow the contract. */
export function readError(body: unknown): ErrorBody | null {
  try {
    const error = expectObject(expectObject(body, 'answer')['error'], 'error');
    const status = expectText(error['status'], 'status');
    return isErrorStatus(status) ? { status, message: expectText(error['message'], 'message') } : null;
  } catch {
    return null;
  }
}

function isErrorStatus(word: string): word is ErrorStatus {
  return Object.hasOwn(HTTP_STATUS_OF, word);
}

function readPage<T>(body: unknown, read: (value: unknown) => T): Page<T> {
  const page = expectObject(body, 'answer');
  const { next } = page;
  if (next !== null && typeof next !== 'string' && typeof next !== 'number') {
    throw new FormatError('next must be a cursor or null');
  }
  return { data: expectList(page['data'], 'data').map(read), next: next === null ? null : String(next) };
}

function stockOf(value: unknown): StockView {
  const stock = expectObject(value, 'stock');
  return {
    name: expectText(stock['name'], 'name'),
    price: asPrice(stock['price']),
    quantity: expectInteger(stock['quantity'], 'quantity'),
  };
}

function orderOf(value: unknown): OrderView {
  const order = expectObject(value, 'order');
  const type = order['type'];
  if (type !== 'buy' && type !== 'sell') throw new FormatError('type must be buy or sell');
  return {
    number: expectInteger(order['number'], 'number', 1),
    name: expectText(order['name'], 'name'),
    type,
    quantity: expectInteger(order['quantity'], 'quantity', 1),
    price: asPrice(order['price']),
    time: expectText(order['time'], 'time'),
  };
}

function asPrice(value: unknown): number {
  if (typeof value !== 'number' || value <= 0) throw new FormatError('price must be a positive number');
  return value;
}

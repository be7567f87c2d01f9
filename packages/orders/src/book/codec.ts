/**
 * The book's records as bytes. A key starts with one letter for its table; numbers in keys are 8 bytes,
 * big-endian, so that they sort. Every value starts with a CRC-32 over the key and the payload, because
 * LevelDB does not detect a flipped bit.
 */
import { crc32 } from 'node:zlib';
import {
  FormatError,
  KIND_CODES,
  expectBytes,
  parseCatalogSet,
  expectInteger,
  expectList,
  expectText,
  outcomeFromWire,
  outcomeToWire,
  pack,
  unpack,
  type OrderType,
  type Stock,
} from '@trireme/domain';
import { firstOrderOf, orderPageOf } from '../rules/book/order-pages.js';
import type {
  BookMeta,
  BookWrite,
  StoredOrder,
  RetainedBatch,
  CommandPosition,
  StockChange,
} from '../rules/book/state.js';

/** Format version; raised with every change that older programs would misread. */
export const BOOK_FORMAT = 7;

const TABLES = {
  meta: 'm',
  identity: 'i',
  key: 'k',
  batch: 'e',
  stock: 's',
  page: 'p',
  change: 'c',
  restored: 'r',
} as const;
export type Table = keyof typeof TABLES;

/** Tables whose records are keyed by number; the others are keyed by text. */
const NUMBERED: ReadonlySet<string> = new Set<Table>(['batch', 'page', 'change']);

const TABLES_BY_LETTER: ReadonlyMap<number, Table> = new Map(
  (Object.keys(TABLES) as Table[]).map((table) => [TABLES[table].charCodeAt(0), table]),
);

const TWO_32 = 0x1_0000_0000;
const NUMBER_KEY_BYTES = 9;

/** The key of record `number` of a table. */
export function numberKey(table: Table, number: number): Buffer {
  const key = Buffer.allocUnsafe(NUMBER_KEY_BYTES);
  key[0] = TABLES[table].charCodeAt(0);
  key.writeUInt32BE(Math.floor(number / TWO_32), 1);
  key.writeUInt32BE(number % TWO_32, 5);
  return key;
}

/** The key of a record keyed by text; an empty text for the only record of a table. */
export function textKey(table: Table, text = ''): Buffer {
  return Buffer.from(TABLES[table] + text, 'utf8');
}

/** The text in a key made by `textKey`. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset + 1, key.byteLength - 1).toString('utf8');
}

/** The table of a key; null if it belongs to none. */
export function tableOf(key: Uint8Array): Table | null {
  return TABLES_BY_LETTER.get(key[0] ?? 0) ?? null;
}

/**
 * Whether a record belongs to one replica or describes the whole book, so that it is not sent as an item of a
 * snapshot.
 */
export function isLocalRecord(key: Uint8Array): boolean {
  const table = tableOf(key);
  return table === 'meta' || table === 'identity' || table === 'restored';
}

/** The number in a key made by `numberKey`; NaN in any other. */
export function keyNumber(key: Uint8Array): number {
  if (key.byteLength !== NUMBER_KEY_BYTES) return Number.NaN;
  const view = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return view.readUInt32BE(1) * TWO_32 + view.readUInt32BE(5);
}

/** Encodes a value with a checksum over it and its key. */
export function seal(key: Uint8Array, value: unknown): Buffer {
  const payload = pack(value);
  const record = Buffer.allocUnsafe(4 + payload.byteLength);
  record.writeUInt32BE(crc32(payload, crc32(key)), 0);
  payload.copy(record, 4);
  return record;
}

/** Decodes a record of `seal`. @throws FormatError if its checksum does not match. */
export function unseal(key: Uint8Array, record: Uint8Array): unknown {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  if (bytes.byteLength < 4 || bytes.readUInt32BE(0) !== crc32(bytes.subarray(4), crc32(key))) {
    throw new FormatError(`checksum mismatch in record ${describeKey(key)}`);
  }
  return unpack(bytes.subarray(4));
}

/** Describes a key, for messages. */
export function describeKey(key: Uint8Array): string {
  const table = tableOf(key) ?? 'unknown';
  if (table === 'page') return `order page ${keyNumber(key)}`;
  // The key of an unknown table may contain any bytes, which must not appear in a message.
  const isNumber = table === 'unknown' || NUMBERED.has(table);
  return `${table} ${isNumber ? String(keyNumber(key)) : keyText(key)}`.trim();
}

/** A write that becomes one record; orders are grouped into pages instead. */
type RecordWrite = Exclude<BookWrite, { readonly table: 'order' }>;

/** A record to write; a null value deletes it. */
export interface RecordChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** The record change of a write. */
export function toRecord(write: RecordWrite): RecordChange {
  switch (write.table) {
    case 'meta':
      return sealed(textKey('meta'), Object.entries(write.value));
    case 'key': {
      const key = textKey('key', write.key);
      return write.value === null
        ? { key, value: null }
        : sealed(key, [write.value.seq, write.value.position]);
    }
    case 'batch': {
      const key = numberKey('batch', write.seq);
      if (write.value === null) return { key, value: null };
      const { index, age, time, skip, firstNumber, outcomes, bytes } = write.value;
      return sealed(key, [index, age, time, skip, firstNumber, outcomes.map(outcomeToWire), bytes]);
    }
    case 'stock': {
      const key = textKey('stock', write.name);
      if (write.value === null) return { key, value: null };
      const { price, quantity, version } = write.value;
      return sealed(key, [price, quantity, version]);
    }
    case 'change': {
      const { change, index, kind, name, amount } = write.value;
      return sealed(numberKey('change', change), [index, kind, name, amount]);
    }
  }
}

/** Fields per order in a group: buy or sell, index of the stock name on the page, quantity, price. */
const ORDER_FIELDS = 4;
/** Fields before the orders of a group: log index and time. */
const HEAD_FIELDS = 2;

/**
 * The key and value of an order page: its distinct stock names, then one flat list of numbers per log index.
 * In this form a whole page of up to 32 orders costs little more to unpack than one order.
 */
export function pageRecord(
  page: number,
  orders: readonly StoredOrder[],
): { readonly key: Buffer; readonly value: Buffer } {
  const names = new Map<string, number>();
  const groups: number[][] = [];
  for (const { index, time, name, type, quantity, price } of orders) {
    let group = groups.at(-1);
    if (group?.[0] !== index) {
      group = [index, time];
      groups.push(group);
    }
    const place = names.get(name) ?? names.size;
    names.set(name, place);
    group.push(KIND_CODES[type], place, quantity, price);
  }
  return sealed(numberKey('page', page), [[...names.keys()], ...groups]);
}

function sealed(key: Buffer, value: unknown): { readonly key: Buffer; readonly value: Buffer } {
  return { key, value: seal(key, value) };
}

export function readMeta(value: unknown): BookMeta {
  const fields = new Map(
    expectList(value, 'meta').map((field) => {
      const [name, content] = expectList(field, 'meta field');
      return [expectText(name, 'meta field name'), content] as const;
    }),
  );
  const whole = (name: keyof BookMeta): number => expectInteger(fields.get(name), name);
  return {
    applied: whole('applied'),
    age: whole('age'),
    time: whole('time'),
    orders: whole('orders'),
    visibleOrders: whole('visibleOrders'),
    firstSeq: whole('firstSeq'),
    lastSeq: whole('lastSeq'),
    lastIndex: whole('lastIndex'),
    keys: whole('keys'),
    changes: whole('changes'),
    stocks: whole('stocks'),
    life: expectText(fields.get('life'), 'life', 16),
    seedApplied: whole('seedApplied'),
    seedParts: whole('seedParts'),
    seedHash: expectText(fields.get('seedHash'), 'seed hash', 64),
    catalogs: parseCatalogSet(fields.get('catalogs')),
    catalogsIndex: whole('catalogsIndex'),
    hash: expectText(fields.get('hash'), 'hash', 64),
  };
}

export function readPosition(value: unknown): CommandPosition {
  const [seq, position] = expectList(value, 'place');
  return { seq: expectInteger(seq, 'seq', 1), position: expectInteger(position, 'position') };
}

export function readBatch(seq: number, value: unknown): RetainedBatch {
  const [index, age, time, skip, firstNumber, outcomes, bytes] = expectList(value, 'kept batch');
  return {
    seq,
    index: expectInteger(index, 'index', 1),
    age: expectInteger(age, 'age'),
    time: expectInteger(time, 'time'),
    skip: expectList(skip, 'skip').map((position) => expectInteger(position, 'position')),
    firstNumber: expectInteger(firstNumber, 'first number', 1),
    outcomes: expectList(outcomes, 'outcomes').map(outcomeFromWire),
    bytes: expectBytes(bytes, 'batch'),
  };
}

export function readStock(name: string, value: unknown): Stock {
  const [price, quantity, version] = expectList(value, 'stock');
  return {
    name,
    price: expectInteger(price, 'price', 1),
    quantity: expectInteger(quantity, 'quantity'),
    version: expectInteger(version, 'version'),
  };
}

/** The orders of a page. The caller checks their number. */
export function readPage(page: number, value: unknown): readonly StoredOrder[] {
  return ordersOn(page, asPage(value));
}

/**
 * The number of orders on a page, and its orders of stock `name`; cheap if the page does not contain the
 * name.
 */
export function readStockOrders(
  page: number,
  value: unknown,
  name: string,
): { readonly count: number; readonly orders: readonly StoredOrder[] } {
  const parts = asPage(value);
  const count = parts.groups.reduce((sum, group) => sum + countIn(group), 0);
  if (!parts.names.includes(name)) return { count, orders: [] };
  return { count, orders: ordersOn(page, parts).filter((order) => order.name === name) };
}

function ordersOn(page: number, { names, groups }: Page): readonly StoredOrder[] {
  const orders: StoredOrder[] = [];
  const first = firstOrderOf(page);
  for (const group of groups) {
    const count = countIn(group);
    for (let position = 0; position < count; position += 1) {
      orders.push(readOrderIn(first + orders.length, names, group, position));
    }
  }
  return orders;
}

/** Order `number` from its page, null if the page is too short; no other order is decoded. */
export function readOrder(number: number, value: unknown): StoredOrder | null {
  const { names, groups } = asPage(value);
  let position = number - firstOrderOf(orderPageOf(number));
  for (const group of groups) {
    const count = countIn(group);
    if (position < count) return readOrderIn(number, names, group, position);
    position -= count;
  }
  return null;
}

interface Page {
  readonly names: readonly unknown[];
  readonly groups: readonly (readonly unknown[])[];
}

function asPage(value: unknown): Page {
  const [names, ...groups] = expectList(value, 'page').map((part) =>
    expectList(part, 'group of an order page'),
  );
  if (names === undefined) throw new FormatError('the order page has no names');
  return { names, groups };
}

function countIn(group: readonly unknown[]): number {
  const count = (group.length - HEAD_FIELDS) / ORDER_FIELDS;
  if (!Number.isInteger(count) || count < 1)
    throw new FormatError('the order page contains an incomplete order');
  return count;
}

function readOrderIn(
  number: number,
  names: readonly unknown[],
  group: readonly unknown[],
  position: number,
): StoredOrder {
  const at = HEAD_FIELDS + position * ORDER_FIELDS;
  return {
    number,
    name: expectText(names[expectInteger(group[at + 1], 'index of a name')], 'name'),
    type: asOrderType(group[at]),
    quantity: expectInteger(group[at + 2], 'quantity', 1),
    price: expectInteger(group[at + 3], 'price', 1),
    time: expectInteger(group[1], 'time'),
    index: expectInteger(group[0], 'index', 1),
  };
}

function asOrderType(code: unknown): OrderType {
  if (code === KIND_CODES.buy) return 'buy';
  if (code === KIND_CODES.sell) return 'sell';
  throw new FormatError('the order is neither buy nor sell');
}

export function readChange(change: number, value: unknown): StockChange {
  const [index, kind, name, amount] = expectList(value, 'change');
  if (kind !== 'list' && kind !== 'restock')
    throw new FormatError('the stock change is neither list nor restock');
  return {
    change,
    index: expectInteger(index, 'index', 1),
    kind,
    name: expectText(name, 'name'),
    amount: expectInteger(amount, 'amount', 1),
  };
}

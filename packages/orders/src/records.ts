/**
 * The book's records as bytes. Keys begin with one letter for their table; numbers in keys are 8 bytes, big-endian, so
 * that they sort. Every value is led by a CRC-32 over its key and the rest, since LevelDB does not notice a changed bit.
 */
import { crc32 } from 'node:zlib';
import {
  FormatError,
  KIND_CODES,
  asBytes,
  asCatalogSet,
  asInteger,
  asList,
  asText,
  outcomeFromWire,
  outcomeToWire,
  pack,
  unpack,
  type OrderType,
  type Stock,
} from '@trireme/domain';
import { firstOn, pageOf } from './rules/order-pages.js';
import type { BookMeta, BookWrite, BookedOrder, KeptBatch, Place, StockChange } from './rules/state.js';

/** Raised with every change that a program of before would misread. */
export const BOOK_FORMAT = 6;

const TABLES = {
  meta: 'm',
  identity: 'i',
  key: 'k',
  keyPage: 'y',
  batch: 'e',
  stock: 's',
  page: 'p',
  change: 'c',
  restored: 'r',
} as const;
export type Table = keyof typeof TABLES;

/** Tables whose records have numbers; those of the others are named by text. */
const NUMBERED: ReadonlySet<string> = new Set<Table>(['batch', 'page', 'change']);

const TABLES_BY_LETTER: ReadonlyMap<number, Table> = new Map(
  (Object.keys(TABLES) as Table[]).map((table) => [TABLES[table].charCodeAt(0), table]),
);

const TWO_32 = 0x1_0000_0000;
const NUMBER_KEY_BYTES = 9;

/** The key of the record `number` of a table. */
export function numberKey(table: Table, number: number): Buffer {
  const key = Buffer.allocUnsafe(NUMBER_KEY_BYTES);
  key[0] = TABLES[table].charCodeAt(0);
  key.writeUInt32BE(Math.floor(number / TWO_32), 1);
  key.writeUInt32BE(number % TWO_32, 5);
  return key;
}

/** The key of a record that is named by text; of the table's only record where the text is empty. */
export function textKey(table: Table, text = ''): Buffer {
  return Buffer.from(TABLES[table] + text, 'utf8');
}

/** The text in a key made by `textKey`. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset + 1, key.byteLength - 1).toString('utf8');
}

/** The table that a key is of, null if it is of none. */
export function tableOf(key: Uint8Array): Table | null {
  return TABLES_BY_LETTER.get(key[0] ?? 0) ?? null;
}

/** Whether a record is of one replica, or stands for the whole book, so that it is not one of those that travel. */
export function isOwnRecord(key: Uint8Array): boolean {
  const table = tableOf(key);
  return table === 'meta' || table === 'identity' || table === 'restored';
}

/** The number in a key made by `numberKey`; NaN in any other. */
export function keyNumber(key: Uint8Array): number {
  if (key.byteLength !== NUMBER_KEY_BYTES) return Number.NaN;
  const view = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return view.readUInt32BE(1) * TWO_32 + view.readUInt32BE(5);
}

/** A value's bytes, checksummed together with its key. */
export function seal(key: Uint8Array, value: unknown): Buffer {
  const payload = pack(value);
  const record = Buffer.allocUnsafe(4 + payload.byteLength);
  record.writeUInt32BE(crc32(payload, crc32(key)), 0);
  payload.copy(record, 4);
  return record;
}

/** @throws FormatError if the record does not hold its checksum. */
export function unseal(key: Uint8Array, record: Uint8Array): unknown {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  if (bytes.byteLength < 4 || bytes.readUInt32BE(0) !== crc32(bytes.subarray(4), crc32(key))) {
    throw new FormatError(`record ${describeKey(key)} does not hold its checksum`);
  }
  return unpack(bytes.subarray(4));
}

/** A key in words, for messages. */
export function describeKey(key: Uint8Array): string {
  const table = tableOf(key) ?? 'unknown';
  if (table === 'page') return `page ${keyNumber(key)} of orders`;
  if (table === 'keyPage') return `page ${keyText(key)} of keys`;
  // A key of no table may hold any bytes, which a message must not.
  const isNumber = table === 'unknown' || NUMBERED.has(table);
  return `${table} ${isNumber ? String(keyNumber(key)) : keyText(key)}`.trim();
}

/** One write that makes a record by itself: orders make pages. */
type RecordWrite = Exclude<BookWrite, { readonly table: 'order' }>;

/** A record as it is to be; a null value deletes it. */
export interface RecordChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** What one write makes of its record. */
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

/** What an order takes in the list of its log index: buy or sell, which of the page's names, quantity, price. */
const ORDER_FIELDS = 4;
/** What stands before its orders there: log index and time. */
const HEAD_FIELDS = 2;

/**
 * The key and value of a page of orders: the names in it, each once, then a flat list of numbers for each log index. To unpack
 * it costs little more than one order, of which there are up to 32 on it.
 */
export function pageRecord(
  page: number,
  orders: readonly BookedOrder[],
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
    asList(value, 'meta').map((field) => {
      const [name, content] = asList(field, 'meta field');
      return [asText(name, 'meta field name'), content] as const;
    }),
  );
  const whole = (name: keyof BookMeta): number => asInteger(fields.get(name), name);
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
    life: asText(fields.get('life'), 'life', 16),
    seedApplied: whole('seedApplied'),
    seedParts: whole('seedParts'),
    seedHash: asText(fields.get('seedHash'), 'seed hash', 64),
    catalogs: asCatalogSet(fields.get('catalogs')),
    catalogsIndex: whole('catalogsIndex'),
    hash: asText(fields.get('hash'), 'hash', 64),
  };
}

export function readPlace(value: unknown): Place {
  const [seq, position] = asList(value, 'place');
  return { seq: asInteger(seq, 'seq', 1), position: asInteger(position, 'position') };
}

export function readBatch(seq: number, value: unknown): KeptBatch {
  const [index, age, time, skip, firstNumber, outcomes, bytes] = asList(value, 'kept batch');
  return {
    seq,
    index: asInteger(index, 'index', 1),
    age: asInteger(age, 'age'),
    time: asInteger(time, 'time'),
    skip: asList(skip, 'skip').map((position) => asInteger(position, 'position')),
    firstNumber: asInteger(firstNumber, 'first number', 1),
    outcomes: asList(outcomes, 'outcomes').map(outcomeFromWire),
    bytes: asBytes(bytes, 'batch'),
  };
}

export function readStock(name: string, value: unknown): Stock {
  const [price, quantity, version] = asList(value, 'stock');
  return {
    name,
    price: asInteger(price, 'price', 1),
    quantity: asInteger(quantity, 'quantity'),
    version: asInteger(version, 'version'),
  };
}

/** The orders of a page. How many there have to be, who asks knows. */
export function readPage(page: number, value: unknown): readonly BookedOrder[] {
  return ordersOn(page, asPage(value));
}

/** How many orders a page has, and those of stock `name` among them; a page without that name costs next to nothing. */
export function readPageOf(
  page: number,
  value: unknown,
  name: string,
): { readonly count: number; readonly orders: readonly BookedOrder[] } {
  const parts = asPage(value);
  const count = parts.groups.reduce((sum, group) => sum + countIn(group), 0);
  if (!parts.names.includes(name)) return { count, orders: [] };
  return { count, orders: ordersOn(page, parts).filter((order) => order.name === name) };
}

function ordersOn(page: number, { names, groups }: Page): readonly BookedOrder[] {
  const orders: BookedOrder[] = [];
  const first = firstOn(page);
  for (const group of groups) {
    const count = countIn(group);
    for (let position = 0; position < count; position += 1) {
      orders.push(readOrderIn(first + orders.length, names, group, position));
    }
  }
  return orders;
}

/** Order `number` from its page, null if that does not reach so far; no other is looked at. */
export function readOrder(number: number, value: unknown): BookedOrder | null {
  const { names, groups } = asPage(value);
  let position = number - firstOn(pageOf(number));
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
  const [names, ...groups] = asList(value, 'page').map((part) => asList(part, 'part of a page'));
  if (names === undefined) throw new FormatError('a page without names');
  return { names, groups };
}

function countIn(group: readonly unknown[]): number {
  const count = (group.length - HEAD_FIELDS) / ORDER_FIELDS;
  if (!Number.isInteger(count) || count < 1) throw new FormatError('a page holds part of an order');
  return count;
}

function readOrderIn(
  number: number,
  names: readonly unknown[],
  group: readonly unknown[],
  position: number,
): BookedOrder {
  const at = HEAD_FIELDS + position * ORDER_FIELDS;
  return {
    number,
    name: asText(names[asInteger(group[at + 1], 'place of a name')], 'name'),
    type: asOrderType(group[at]),
    quantity: asInteger(group[at + 2], 'quantity', 1),
    price: asInteger(group[at + 3], 'price', 1),
    time: asInteger(group[1], 'time'),
    index: asInteger(group[0], 'index', 1),
  };
}

function asOrderType(code: unknown): OrderType {
  if (code === KIND_CODES.buy) return 'buy';
  if (code === KIND_CODES.sell) return 'sell';
  throw new FormatError('order is neither buy nor sell');
}

export function readChange(change: number, value: unknown): StockChange {
  const [index, kind, name, amount] = asList(value, 'change');
  if (kind !== 'list' && kind !== 'restock') throw new FormatError('change is neither list nor restock');
  return {
    change,
    index: asInteger(index, 'index', 1),
    kind,
    name: asText(name, 'name'),
    amount: asInteger(amount, 'amount', 1),
  };
}

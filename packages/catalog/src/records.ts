/**
 * The records of the catalog's LevelDB. A key is a table's letter and the key within the table; a value is the CRC-32 of
 * the whole key and the payload, then the payload as MessagePack:
 *
 *     i          identity  [format, cluster, life, folder]
 *     m          standing  [lastIndex, settled, stocks, outcome records, sum]
 *     s<name>    stock     [name, price, quantity, version]
 *     o<index>   outcomes  [outcome, ...]      index as 8 bytes, big-endian
 *
 * `sum` adds up the checksums of all stock and outcome records. LevelDB drops damaged records without a word, and
 * then an older value of the same key may stand in for a lost one: the sum finds both.
 */
import { crc32 } from 'node:zlib';
import {
  asInteger,
  asList,
  asText,
  outcomeFromWire,
  outcomeToWire,
  pack,
  STOCK_NAME,
  unpack,
  type OutcomeWire,
  type Stock,
} from '@trireme/domain';
import { FormatError } from '@trireme/domain';
import { StoreError } from './store-error.js';

/** The format of these records. */
export const STORE_FORMAT = 1;

const CRC_BYTES = 4;
const TABLES = { identity: 0x69, standing: 0x6d, outcomes: 0x6f, stock: 0x73 } as const;

export const IDENTITY_KEY = Buffer.of(TABLES.identity);
export const STANDING_KEY = Buffer.of(TABLES.standing);

/** A record as it is written, with its checksum at hand. */
export interface StoredRecord {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly checksum: number;
}

/** Where the store stands, and what the records behind it must add up to. */
export interface Standing {
  readonly lastIndex: number;
  readonly settled: number;
  readonly stocks: number;
  readonly outcomeRecords: number;
  readonly sum: number;
}

/** Whose the store is. */
export interface Identity {
  readonly cluster: string;
  /** Random, made with the store and for each copy of its folder; in entity tags. Null in a store of before it was recorded. */
  readonly life: string | null;
  /** The folder that `life` is of, as `folderIdentity` names it. */
  readonly folder: string | null;
}

/** A record as it is read. */
export type Decoded =
  | ({ readonly table: 'identity'; readonly format: number } & Identity)
  | { readonly table: 'standing'; readonly standing: Standing }
  | { readonly table: 'stock'; readonly stock: Stock; readonly checksum: number }
  | {
      readonly table: 'outcomes';
      readonly index: number;
      readonly outcomes: readonly OutcomeWire[];
      readonly checksum: number;
    };

export function identityRecord({ cluster, life, folder }: Identity): StoredRecord {
  return seal(IDENTITY_KEY, [STORE_FORMAT, cluster, life, folder]);
}

export function standingRecord({ lastIndex, settled, stocks, outcomeRecords, sum }: Standing): StoredRecord {
  return seal(STANDING_KEY, [lastIndex, settled, stocks, outcomeRecords, sum]);
}

export function stockRecord({ name, price, quantity, version }: Stock): StoredRecord {
  return seal(Buffer.concat([Buffer.of(TABLES.stock), Buffer.from(name)]), [name, price, quantity, version]);
}

export function outcomesRecord(index: number, outcomes: readonly OutcomeWire[]): StoredRecord {
  return seal(outcomesKey(index), outcomes);
}

export function outcomesKey(index: number): Buffer {
  const key = Buffer.alloc(9, TABLES.outcomes);
  key.writeBigUInt64BE(BigInt(index), 1);
  return key;
}

/** @throws StoreError `DAMAGED` naming the record if its checksum or its content is wrong. */
export function decodeRecord(key: Buffer, value: Buffer): Decoded {
  if (value.length < CRC_BYTES) throw damaged(key, 'is cut off');
  const payload = value.subarray(CRC_BYTES);
  const checksum = value.readUInt32BE(0);
  if (crc32(payload, crc32(key)) !== checksum) throw damaged(key, 'does not hold its checksum');
  try {
    return decodePayload(key, asList(unpack(payload), 'record'), checksum);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw damaged(key, `is not valid: ${error.message}`, error);
  }
}

function decodePayload(key: Buffer, payload: readonly unknown[], checksum: number): Decoded {
  switch (key[0]) {
    case TABLES.identity:
      return {
        table: 'identity',
        format: asInteger(payload[0], 'format'),
        cluster: asText(payload[1], 'cluster'),
        life: textOrNull(payload[2], 'life'),
        folder: textOrNull(payload[3], 'folder'),
      };
    case TABLES.standing: {
      const [lastIndex, settled, stocks, outcomeRecords, sum] = payload.map((value) =>
        asInteger(value, 'standing'),
      );
      return {
        table: 'standing',
        standing: {
          lastIndex: asInteger(lastIndex, 'lastIndex'),
          settled: asInteger(settled, 'settled'),
          stocks: asInteger(stocks, 'stocks'),
          outcomeRecords: asInteger(outcomeRecords, 'outcomeRecords'),
          sum: asInteger(sum, 'sum'),
        },
      };
    }
    case TABLES.stock: {
      const name = asText(payload[0], 'name');
      if (!STOCK_NAME.test(name)) throw new FormatError('the stock has no valid name');
      const [price, quantity, version] = payload.slice(1).map((value) => asInteger(value, 'stock'));
      const stock = {
        name,
        price: asInteger(price, 'price', 1),
        quantity: asInteger(quantity, 'quantity'),
        version: asInteger(version, 'version'),
      };
      return { table: 'stock', stock, checksum };
    }
    case TABLES.outcomes: {
      const outcomes = payload.map((value) => outcomeToWire(outcomeFromWire(value)));
      return { table: 'outcomes', index: Number(key.readBigUInt64BE(1)), outcomes, checksum };
    }
    default:
      throw new FormatError('the table is unknown');
  }
}

function seal(key: Buffer, content: readonly unknown[]): StoredRecord {
  const payload = pack(content);
  const checksum = crc32(payload, crc32(key));
  const value = Buffer.allocUnsafeSlow(CRC_BYTES + payload.length);
  value.writeUInt32BE(checksum, 0);
  payload.copy(value, CRC_BYTES);
  return { key, value, checksum };
}

function damaged(key: Buffer, what: string, cause?: unknown): StoreError {
  return new StoreError('DAMAGED', `record ${recordName(key)} of the catalog ${what}`, { cause });
}

/** A record's name for people. */
export function recordName(key: Buffer): string {
  switch (key[0]) {
    case TABLES.identity:
      return 'identity';
    case TABLES.standing:
      return 'standing';
    case TABLES.stock:
      return `stock ${key.toString('utf8', 1)}`;
    case TABLES.outcomes:
      return `outcomes ${key.length === 9 ? key.readBigUInt64BE(1).toString() : key.toString('hex')}`;
    default:
      return key.toString('hex');
  }
}

function textOrNull(value: unknown, what: string): string | null {
  return value === undefined || value === null ? null : asText(value, what);
}

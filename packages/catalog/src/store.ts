/**
 * The catalog's stocks, outcomes and last index in LevelDB. Every write is one synced batch, some moments behind what
 * was answered; opening reads and checks every record. What is damaged is named and not served: a catalog is rebuilt from its
 * seed file and the book.
 */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assertRule, type Stock } from '@trireme/domain';
import { folderIdentity } from '@trireme/service';
import { Level } from 'level';
import type { CatalogState } from './rules/catalog.js';
import type { RecordedOutcomes } from './rules/ledger.js';
import type { CatalogWrite } from './rules/round.js';
import {
  decodeRecord,
  IDENTITY_KEY,
  identityRecord,
  outcomesKey,
  outcomesRecord,
  recordName,
  STANDING_KEY,
  standingRecord,
  stockRecord,
  STORE_FORMAT,
  type Decoded,
  type Identity,
  type Standing,
  type StoredRecord,
} from './records.js';
import { StoreError, failure, reason } from './store-error.js';

type Database = Level<Buffer, Buffer>;

const LIFE_BYTES = 8;

export interface StoreOptions {
  /** Folder of the store; made if it is missing. */
  readonly folder: string;
  /** Name of the cluster that the folder belongs to. */
  readonly cluster: string;
  /** What an empty folder begins with. */
  readonly seed: readonly Stock[];
}

/** Everything that was on disk. */
interface Contents {
  readonly stocks: Stock[];
  readonly outcomes: RecordedOutcomes[];
  readonly stockChecksums: Map<string, number>;
  readonly outcomeChecksums: Map<number, number>;
  identity: Extract<Decoded, { table: 'identity' }> | null;
  standing: Standing | null;
}

/** What a store that was opened has found. */
interface Found {
  readonly folder: string;
  readonly contents: Contents;
  readonly standing: Standing;
  readonly life: string;
  readonly fresh: boolean;
}

/** An open store. At most one write at a time. */
export class CatalogStore {
  /** What was on disk when the store was opened. */
  readonly state: CatalogState;
  /** Whether the folder was empty and has been seeded now. */
  readonly fresh: boolean;
  /** Of this store, and of no other one nor a copy of its folder: versions of stocks mean something within one life only. */
  readonly life: string;
  readonly #database: Database;
  readonly #folder: string;
  readonly #stockChecksums: Map<string, number>;
  readonly #outcomeChecksums: Map<number, number>;
  #sum: number;
  #writing = false;
  #failed = false;

  private constructor(database: Database, { folder, contents, standing, life, fresh }: Found) {
    this.#database = database;
    this.#folder = folder;
    this.#stockChecksums = contents.stockChecksums;
    this.#outcomeChecksums = contents.outcomeChecksums;
    this.#sum = standing.sum;
    this.fresh = fresh;
    this.life = life;
    this.state = {
      lastIndex: standing.lastIndex,
      settled: standing.settled,
      stocks: contents.stocks,
      outcomes: contents.outcomes,
    };
  }

  /** Opens the store, seeding an empty folder. @throws StoreError with any code but `WRITE_FAILED` once it was seeded. */
  static async open(options: StoreOptions): Promise<CatalogStore> {
    await checkFolder(options.folder);
    const database = await openDatabase(options.folder);
    try {
      const found = await read(database);
      const fresh = isEmpty(found);
      if (fresh) await seed(database, options);
      const contents = fresh ? await read(database) : found;
      const { identity, standing } = verify(contents, options.cluster);
      const life = await claimLife(database, options.folder, identity);
      return new CatalogStore(database, { folder: options.folder, contents, standing, life, fresh });
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /**
   * Writes atomically and durably.
   * @throws StoreError `WRITE_FAILED`: whether it is on disk is unknown, and nothing may be written any more.
   */
  async write(write: CatalogWrite): Promise<void> {
    assertRule(!this.#writing && !this.#failed, 'one write at a time, and none after one that failed');
    this.#writing = true;
    const batch = this.#database.batch();
    for (const stock of write.stocks) {
      const record = stockRecord(stock);
      batch.put(record.key, record.value);
      this.#replace(this.#stockChecksums, stock.name, record);
    }
    for (const [index, outcomes] of write.outcomes) {
      const record = outcomesRecord(index, outcomes);
      batch.put(record.key, record.value);
      this.#replace(this.#outcomeChecksums, index, record);
    }
    for (const index of write.forgotten) {
      batch.del(outcomesKey(index));
      this.#replace(this.#outcomeChecksums, index, null);
    }
    const { key, value } = standingRecord({
      lastIndex: write.lastIndex,
      settled: write.settled,
      stocks: this.#stockChecksums.size,
      outcomeRecords: this.#outcomeChecksums.size,
      sum: this.#sum,
    });
    batch.put(key, value);
    try {
      await batch.write({ sync: true });
    } catch (error) {
      this.#failed = true;
      throw failure(this.#folder, 'WRITE_FAILED', 'the catalog cannot write', error);
    } finally {
      this.#writing = false;
    }
  }

  /** Closes the store, after the write under way. */
  async close(): Promise<void> {
    await this.#database.close();
  }

  #replace<K>(checksums: Map<K, number>, key: K, record: StoredRecord | null): void {
    this.#sum -= checksums.get(key) ?? 0;
    if (record === null) {
      checksums.delete(key);
      return;
    }
    checksums.set(key, record.checksum);
    this.#sum += record.checksum;
    // A million outcomes and the stocks stay far below 2^21 records of 2^32 each.
    assertRule(Number.isSafeInteger(this.#sum), 'the sum of all checksums is a safe integer');
  }
}

/** What lies in a replica's folder. */
const OF_REPLICA = /^(log|founders|member|book(-\d+)?|bootstrap)$/;

/** LevelDB makes a new store where only the file that names the current one is missing, and deletes the tables. */
async function checkFolder(folder: string): Promise<void> {
  const files = await readdir(folder).catch((): string[] => []);
  const foreign = files.find((file) => OF_REPLICA.test(file));
  if (foreign !== undefined)
    throw new StoreError(
      'NOT_A_CATALOG',
      `${folder} is no catalog's folder: it holds ${foreign}, as a replica's does`,
    );
  const hasRecords = files.some((file) => file.endsWith('.ldb') || file.endsWith('.log'));
  if (hasRecords && !files.includes('CURRENT')) {
    throw new StoreError('DAMAGED', `${join(folder, 'CURRENT')} is missing beside the records of a catalog`);
  }
}

async function openDatabase(folder: string): Promise<Database> {
  const database: Database = new Level(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  try {
    await database.open();
    return database;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'LEVEL_LOCKED') {
      throw new StoreError('LOCKED', `another process has ${folder} open`, { cause: error });
    }
    const what = `${folder} cannot be opened`;
    if (code !== 'LEVEL_CORRUPTION') throw failure(folder, 'OPEN_FAILED', what, error);
    throw new StoreError('DAMAGED', `${what}: ${reason(cause)}`, { cause: error });
  }
}

async function read(database: Database): Promise<Contents> {
  const contents: Contents = {
    stocks: [],
    outcomes: [],
    stockChecksums: new Map(),
    outcomeChecksums: new Map(),
    identity: null,
    standing: null,
  };
  try {
    for await (const [key, value] of database.iterator()) collect(contents, decodeRecord(key, value));
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('DAMAGED', `the records of the catalog cannot be read: ${reason(error)}`, {
      cause: error,
    });
  }
  return contents;
}

function collect(contents: Contents, record: Decoded): void {
  switch (record.table) {
    case 'identity':
      // It is the first record: those of another format must not be taken for damage.
      if (record.format !== STORE_FORMAT) {
        throw new StoreError(
          'OTHER_FORMAT',
          `the folder has format ${record.format}, this program reads ${STORE_FORMAT}`,
        );
      }
      contents.identity = record;
      break;
    case 'standing':
      contents.standing = record.standing;
      break;
    case 'stock':
      contents.stocks.push(record.stock);
      contents.stockChecksums.set(record.stock.name, record.checksum);
      break;
    case 'outcomes':
      contents.outcomes.push([record.index, record.outcomes]);
      contents.outcomeChecksums.set(record.index, record.checksum);
  }
}

function isEmpty({ identity, standing, stocks, outcomes }: Contents): boolean {
  return identity === null && standing === null && stocks.length === 0 && outcomes.length === 0;
}

/** One batch: after a crash there is either nothing, and the folder is seeded again, or all of it. */
async function seed(database: Database, { folder, cluster, seed: stocks }: StoreOptions): Promise<void> {
  const records = stocks.map(stockRecord);
  const standing = {
    lastIndex: 0,
    settled: 0,
    stocks: stocks.length,
    outcomeRecords: 0,
    sum: records.reduce((sum, record) => sum + record.checksum, 0),
  };
  const all = [identityRecord(newIdentity(cluster, folder)), standingRecord(standing), ...records];
  try {
    const batch = database.batch();
    for (const { key, value } of all) batch.put(key, value);
    await batch.write({ sync: true });
  } catch (error) {
    throw failure(folder, 'WRITE_FAILED', 'the catalog cannot be seeded', error);
  }
}

/** Whose folder it is, and whether everything that was written is there. */
function verify(contents: Contents, cluster: string): { identity: Identity; standing: Standing } {
  const { identity, standing } = contents;
  if (identity === null) throw missing(IDENTITY_KEY);
  if (identity.cluster !== cluster) {
    throw new StoreError(
      'OTHER_CLUSTER',
      `the folder belongs to cluster "${identity.cluster}", not "${cluster}"`,
    );
  }
  if (standing === null) throw missing(STANDING_KEY);
  compare('stock records', contents.stocks.length, standing.stocks);
  compare('outcome records', contents.outcomes.length, standing.outcomeRecords);
  let sum = 0;
  for (const checksum of contents.stockChecksums.values()) sum += checksum;
  for (const checksum of contents.outcomeChecksums.values()) sum += checksum;
  compare('sum of checksums', sum, standing.sum);
  for (const { name, version } of contents.stocks) {
    if (version > standing.lastIndex)
      throw new StoreError('DAMAGED', `stock ${name} is newer than the last index`);
  }
  return { identity, standing };
}

/** The life of the store in `folder`: another one if that is a copy. @throws StoreError `WRITE_FAILED`. */
async function claimLife(database: Database, folder: string, identity: Identity): Promise<string> {
  if (identity.life !== null && identity.folder === folderIdentity(folder)) return identity.life;
  const own = newIdentity(identity.cluster, folder);
  const { key, value } = identityRecord(own);
  try {
    await database.put(key, value, { sync: true });
  } catch (error) {
    throw failure(folder, 'WRITE_FAILED', 'the catalog cannot write', error);
  }
  return own.life;
}

function newIdentity(cluster: string, folder: string): Identity & { readonly life: string } {
  return { cluster, life: randomBytes(LIFE_BYTES).toString('hex'), folder: folderIdentity(folder) };
}

function compare(what: string, found: number, written: number): void {
  if (found === written) return;
  throw new StoreError(
    'DAMAGED',
    `records of the catalog are lost: ${what} ${found}, the standing record says ${written}`,
  );
}

function missing(key: Buffer): StoreError {
  return new StoreError('DAMAGED', `record ${recordName(key)} of the catalog is missing`);
}

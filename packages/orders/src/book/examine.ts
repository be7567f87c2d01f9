/** Examines, without changing it, the order book of a stopped replica: what is damaged and what is intact. */
import { Level } from 'level';
import { join } from 'node:path';
import { expectBytes } from '@trireme/domain';
import { decodeBase, type LogBase } from '@trireme/raft';
import {
  NumberRanges,
  inspectFolder,
  repairUnsyncedFolder,
  withScratchCopy,
  type FolderFlaw,
} from '@trireme/raft/level';
import { currentBookName } from './folder.js';
import { readIdentity } from './identity.js';
import { scanRecords, type BookLevel } from './level.js';
import {
  BOOK_FORMAT,
  describeKey,
  keyNumber,
  keyText,
  readBatch,
  readChange,
  readMeta,
  readPage,
  readPosition,
  readStock,
  tableOf,
  textKey,
  unseal,
} from './codec.js';
import { PAGE_ORDERS, ordersOnPage, firstOrderOf } from '../rules/book/order-pages.js';
import type { BookMeta } from '../rules/book/state.js';

/** Result of examining one numbered table. */
export interface TableReport {
  /** Number of intact records; for orders, the number of orders, not pages. */
  readonly intact: number;
  readonly missing: NumberRanges;
  readonly damaged: NumberRanges;
}

export interface BookReport {
  /** Name of the book's folder within the data folder. */
  readonly folder: string;
  readonly owner: { readonly cluster: string; readonly id: string } | null;
  /** Whether the book has another format; then nothing else is known of it. */
  readonly isOtherFormat: boolean;
  /** Damage in LevelDB's files. */
  readonly flaws: readonly FolderFlaw[];
  /** Other problems, in words. With no flaw and no problem the book is sound. */
  readonly problems: readonly string[];
  /** What the next start repairs by itself without losing data, in words. */
  readonly mends: readonly string[];
  /** Null if the meta record cannot be read. */
  readonly meta: BookMeta | null;
  /** Position in the log of the snapshot that the book came from; null if it came from none. */
  readonly restored: LogBase | null;
  readonly orders: TableReport;
  readonly changes: TableReport;
  readonly batches: TableReport;
  /** Number of intact idempotency keys and stocks. */
  readonly keys: number;
  readonly stocks: number;
}

type Numbered = 'orders' | 'changes' | 'batches';

class TableScan implements TableReport {
  readonly missing = new NumberRanges();
  readonly damaged = new NumberRanges();
  intact = 0;
  #next: number;
  readonly #last: number;

  constructor(first: number, last: number) {
    this.#next = first;
    this.#last = last;
  }

  /** Counts a record of `count` numbers starting at `number`. Returns whether it belongs there. */
  visit(number: number, isWhole: boolean, count = 1): boolean {
    // NaN, from a key without a number, fails both comparisons.
    if (!(number >= this.#next && number <= this.#last)) return false;
    this.missing.add(this.#next, number - 1);
    this.#next = number + count;
    if (isWhole) this.intact += count;
    else this.damaged.add(number, number + count - 1);
    return true;
  }

  finish(): void {
    if (Number.isFinite(this.#last)) this.missing.add(this.#next, this.#last);
  }
}

/** The result of `read`, null if it throws. */
function contentOf<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Problems listed one by one; further ones are only counted. */
const PROBLEMS_MAX = 20;

class Findings {
  readonly problems: string[] = [];
  owner: BookReport['owner'] = null;
  isOtherFormat = false;
  meta: BookMeta | null = null;
  restored: LogBase | null = null;
  keys = 0;
  stocks = 0;
  #unlistedProblems = 0;
  #runs: Readonly<Record<Numbered, TableScan>> = runsOf(null);

  get tables(): Readonly<Record<Numbered, TableReport>> {
    return this.#runs;
  }

  problem(what: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(what);
    else this.#unlistedProblems += 1;
  }

  /**
   * Reads the records that describe the book. Returns false if the book has another format, so that no other
   * record can be read.
   */
  begin(db: BookLevel): boolean {
    const identity = this.#read(db, 'identity', readIdentity);
    if (identity !== null) {
      const { format, cluster, id } = identity;
      this.owner = { cluster, id };
      if (format !== BOOK_FORMAT) {
        this.isOtherFormat = true;
        this.problem(`the book has format ${format}; this program can examine only format ${BOOK_FORMAT}`);
        return false;
      }
    }
    this.meta = this.#read(db, 'meta', readMeta);
    if (this.meta === null)
      this.problem('the meta record cannot be read, so the expected number of records is unknown');
    this.restored = this.#read(db, 'restored', (value) => decodeBase(expectBytes(value, 'base')));
    this.#runs = runsOf(this.meta);
    return true;
  }

  #read<T>(db: BookLevel, table: 'meta' | 'identity' | 'restored', read: (value: unknown) => T): T | null {
    const key = textKey(table);
    const record = db.getSync(key);
    if (record === undefined) return null;
    try {
      return read(unseal(key, record));
    } catch (error) {
      this.problem(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  visit(key: Uint8Array, record: Uint8Array): void {
    const number = keyNumber(key);
    const numbered = (run: TableScan, read: (value: unknown) => object): void => {
      if (!run.visit(number, contentOf(() => read(unseal(key, record))) !== null))
        this.problem(`${describeKey(key)} is unexpected`);
    };
    switch (tableOf(key)) {
      case 'page':
        this.#visitPage(number, key, record);
        return;
      case 'change':
        numbered(this.#runs.changes, (value) => readChange(number, value));
        return;
      case 'batch':
        numbered(this.#runs.batches, (value) => readBatch(number, value));
        return;
      case 'key':
        if (this.#isIntact(key, record, readPosition)) this.keys += 1;
        return;
      case 'stock':
        if (this.#isIntact(key, record, (value) => readStock(keyText(key), value))) this.stocks += 1;
        return;
      case 'restored':
      case 'meta':
      case 'identity':
        return;
      case null:
        this.problem(`${describeKey(key)} is unexpected`);
    }
  }

  /** A page with too few orders counts as damaged as a whole: it does not say which of its orders are lost. */
  #visitPage(page: number, key: Uint8Array, record: Uint8Array): void {
    const found = contentOf(() => readPage(page, unseal(key, record)));
    const due = this.meta === null ? (found?.length ?? PAGE_ORDERS) : ordersOnPage(page, this.meta.orders);
    if (!this.#runs.orders.visit(firstOrderOf(page), found?.length === due, due))
      this.problem(`${describeKey(key)} is unexpected`);
  }

  /** Whether `read` accepts the record; if not, notes the problem. */
  #isIntact(key: Uint8Array, record: Uint8Array, read: (value: unknown) => object): boolean {
    try {
      read(unseal(key, record));
      return true;
    } catch (error) {
      this.problem(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  finish(): void {
    for (const run of Object.values(this.#runs)) run.finish();
    if (this.meta !== null && this.keys !== this.meta.keys) {
      this.problem(`found ${this.keys} of ${this.meta.keys} idempotency keys intact`);
    }
    if (this.meta !== null && this.stocks !== this.meta.stocks) {
      this.problem(`found ${this.stocks} of ${this.meta.stocks} stocks intact`);
    }
    if (this.#unlistedProblems > 0) this.problems.push(`and ${this.#unlistedProblems} more`);
  }
}

function runsOf(meta: BookMeta | null): Readonly<Record<Numbered, TableScan>> {
  const { orders = Infinity, changes = Infinity, firstSeq = 1, lastSeq = Infinity } = meta ?? {};
  return {
    orders: new TableScan(1, orders),
    changes: new TableScan(1, changes),
    batches: new TableScan(firstSeq, lastSeq),
  };
}

/**
 * Examines the book in a replica's data folder. No process may have it open.
 * @returns null if there is none.
 * @throws RaftError `LOG_DAMAGED` if `book.current` is malformed, `STORAGE_FAILED` if a file cannot be read.
 */
export async function examineBook(data: string): Promise<BookReport | null> {
  const folder = await currentBookName(data);
  const path = join(data, folder);
  const { state, flaws, unreliableTail } = await inspectFolder(path);
  if (state !== 'store') return null;
  const mends: string[] = [];
  const findings = new Findings();
  await withScratchCopy(path, async (scratch) => {
    // Repair the copy as the next start would: entries that a power loss removed are applied again from the
    // log.
    if (unreliableTail !== null) {
      await repairUnsyncedFolder(scratch).catch(() => null);
      const { file, offset, reason } = unreliableTail;
      mends.push(
        `${file} will be truncated at offset ${offset}; later writes will be applied again from the log: ${reason}`,
      );
    }
    await readRecords(scratch, findings);
  });
  const { owner, isOtherFormat, meta, restored, problems, keys, stocks, tables } = findings;
  const isRepaired = ({ file }: FolderFlaw): boolean => unreliableTail !== null && file.endsWith('.log');
  return {
    folder,
    owner,
    isOtherFormat,
    flaws: flaws.filter((flaw) => !isRepaired(flaw)),
    problems,
    mends,
    meta,
    restored,
    keys,
    stocks,
    ...tables,
  };
}

async function readRecords(scratch: string, findings: Findings): Promise<void> {
  const db = new Level<Uint8Array, Uint8Array>(scratch, { keyEncoding: 'view', valueEncoding: 'view' });
  try {
    await db.open();
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    findings.problem(`LevelDB cannot open the book, so its records cannot be examined: ${cause}`);
    return;
  }
  try {
    if (!findings.begin(db)) return;
    for await (const record of scanRecords(db, {})) findings.visit(...record);
  } catch (error) {
    findings.problem(
      `the book cannot be read to its end: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    await db.close();
  }
  findings.finish();
}

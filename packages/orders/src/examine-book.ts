/** Looks at the book of a replica that is down, and changes nothing: what is damaged, and what is left. */
import { Level } from 'level';
import { join } from 'node:path';
import { asBytes } from '@trireme/domain';
import {
  Ranges,
  decodeBase,
  inspectFolder,
  mendUnsynced,
  withScratch,
  type FolderFlaw,
  type LogBase,
} from '@trireme/raft';
import { currentBook } from './book-folder.js';
import { readIdentity } from './book-identity.js';
import { scanRecords, type BookLevel } from './book-level.js';
import { readKeyPage } from './key-records.js';
import {
  BOOK_FORMAT,
  describeKey,
  keyNumber,
  keyText,
  readBatch,
  readChange,
  readMeta,
  readPage,
  readPlace,
  readStock,
  tableOf,
  textKey,
  unseal,
} from './records.js';
import { PAGE_ORDERS, countOn, firstOn } from './rules/order-pages.js';
import type { BookMeta } from './rules/state.js';

/** What is found of one numbered table. */
export interface TableExamination {
  /** Found whole; orders count one by one, as what else has numbers does. */
  readonly intact: number;
  readonly missing: Ranges;
  readonly damaged: Ranges;
}

export interface BookExamination {
  /** Name of its folder in the replica's. */
  readonly folder: string;
  readonly owner: { readonly cluster: string; readonly id: string } | null;
  /** Whether another version of this program wrote it: then nothing else can be said of it. */
  readonly isOtherFormat: boolean;
  /** What is wrong with LevelDB's files. */
  readonly flaws: readonly FolderFlaw[];
  /** What is wrong beyond that, as sentences; with no flaw and none of these the book is sound. */
  readonly problems: readonly string[];
  /** What the next start mends by itself, losing nothing, as sentences. */
  readonly mends: readonly string[];
  /** Null where its meta record cannot be read. */
  readonly meta: BookMeta | null;
  /** The place in the log of the snapshot that it came from, null if from none. */
  readonly restored: LogBase | null;
  readonly orders: TableExamination;
  readonly changes: TableExamination;
  readonly batches: TableExamination;
  /** Idempotency keys and stocks found whole. */
  readonly keys: number;
  readonly stocks: number;
}

type Numbered = 'orders' | 'changes' | 'batches';

class Run implements TableExamination {
  readonly missing = new Ranges();
  readonly damaged = new Ranges();
  intact = 0;
  #next: number;
  readonly #last: number;

  constructor(first: number, last: number) {
    this.#next = first;
    this.#last = last;
  }

  /** Takes the record of `count` numbers from `number` on. Returns whether it belongs there. */
  visit(number: number, isWhole: boolean, count = 1): boolean {
    // Of a key that holds no number neither is true.
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

/** What a record holds; null if it cannot be read. */
function contentOf<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Records that are named one by one; more are only counted. */
const PROBLEMS_MAX = 20;

class Findings {
  readonly problems: string[] = [];
  owner: BookExamination['owner'] = null;
  isOtherFormat = false;
  meta: BookMeta | null = null;
  restored: LogBase | null = null;
  keys = 0;
  stocks = 0;
  #more = 0;
  #runs: Readonly<Record<Numbered, Run>> = runsOf(null);

  get tables(): Readonly<Record<Numbered, TableExamination>> {
    return this.#runs;
  }

  problem(what: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(what);
    else this.#more += 1;
  }

  /** Returns whether anything can be said of the other records: not of a book of another format. */
  begin(db: BookLevel): boolean {
    const identity = this.#read(db, 'identity', readIdentity);
    if (identity !== null) {
      const { format, cluster, id } = identity;
      this.owner = { cluster, id };
      if (format !== BOOK_FORMAT) {
        this.isOtherFormat = true;
        this.problem(`it is of format ${format}, and this program can examine format ${BOOK_FORMAT} only`);
        return false;
      }
    }
    this.meta = this.#read(db, 'meta', readMeta);
    if (this.meta === null)
      this.problem('its meta record cannot be read, so what should be in it is not known');
    this.restored = this.#read(db, 'restored', (value) => decodeBase(asBytes(value, 'base')));
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
    const numbered = (run: Run, read: (value: unknown) => object): void => {
      if (!run.visit(number, contentOf(() => read(unseal(key, record))) !== null))
        this.problem(`${describeKey(key)} should not be there`);
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
        this.keys += this.#count(key, record, (value) => {
          readPlace(value);
          return 1;
        });
        return;
      case 'keyPage':
        this.keys += this.#count(key, record, (value) => readKeyPage(value).keys(keyText(key)).length);
        return;
      case 'stock':
        this.stocks += this.#count(key, record, (value) => {
          readStock(keyText(key), value);
          return 1;
        });
        return;
      case 'restored':
      case 'meta':
      case 'identity':
        return;
      case null:
        this.problem(`${describeKey(key)} should not be there`);
    }
  }

  /** A page with fewer orders than it should have is as good as damaged: which of them are lost, it does not say. */
  #visitPage(page: number, key: Uint8Array, record: Uint8Array): void {
    const found = contentOf(() => readPage(page, unseal(key, record)));
    const due = this.meta === null ? (found?.length ?? PAGE_ORDERS) : countOn(page, this.meta.orders);
    if (!this.#runs.orders.visit(firstOn(page), found?.length === due, due))
      this.problem(`${describeKey(key)} should not be there`);
  }

  #count(key: Uint8Array, record: Uint8Array, countIn: (value: unknown) => number): number {
    try {
      return countIn(unseal(key, record));
    } catch (error) {
      this.problem(error instanceof Error ? error.message : String(error));
      return 0;
    }
  }

  finish(): void {
    for (const run of Object.values(this.#runs)) run.finish();
    if (this.meta !== null && this.keys !== this.meta.keys) {
      this.problem(`it has ${this.keys} whole idempotency keys of ${this.meta.keys}`);
    }
    if (this.meta !== null && this.stocks !== this.meta.stocks) {
      this.problem(`it has ${this.stocks} whole stocks of ${this.meta.stocks}`);
    }
    if (this.#more > 0) this.problems.push(`and ${this.#more} others`);
  }
}

function runsOf(meta: BookMeta | null): Readonly<Record<Numbered, Run>> {
  const { orders = Infinity, changes = Infinity, firstSeq = 1, lastSeq = Infinity } = meta ?? {};
  return {
    orders: new Run(1, orders),
    changes: new Run(1, changes),
    batches: new Run(firstSeq, lastSeq),
  };
}

/**
 * Examines the book in a replica's data folder, which no process has open.
 * @returns null if there is none.
 * @throws RaftError `LOG_DAMAGED` if what names the book makes no sense, `STORAGE_FAILED` if a file cannot be read.
 */
export async function examineBook(data: string): Promise<BookExamination | null> {
  const folder = await currentBook(data);
  const path = join(data, folder);
  const { state, flaws, walBreak } = await inspectFolder(path);
  if (state !== 'store') return null;
  const mends: string[] = [];
  const findings = new Findings();
  await withScratch(path, async (scratch) => {
    // As the next start would: what a power loss took from the last writes is applied again from the log.
    if (walBreak !== null) {
      await mendUnsynced(scratch).catch(() => null);
      const { file, offset, reason } = walBreak;
      mends.push(
        `${file} is cut off at offset ${offset}, and what is behind is applied again from the log: ${reason}`,
      );
    }
    await readRecords(scratch, findings);
  });
  const { owner, isOtherFormat, meta, restored, problems, keys, stocks, tables } = findings;
  const isMended = ({ file }: FolderFlaw): boolean => walBreak !== null && file.endsWith('.log');
  return {
    folder,
    owner,
    isOtherFormat,
    flaws: flaws.filter((flaw) => !isMended(flaw)),
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
    findings.problem(`LevelDB cannot open it, so nothing can be said of its orders: ${cause}`);
    return;
  }
  try {
    if (!findings.begin(db)) return;
    for await (const record of scanRecords(db, {})) findings.visit(...record);
  } catch (error) {
    findings.problem(
      `it cannot be read to its end: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    await db.close();
  }
  findings.finish();
}

/** A leader session on a fake Raft node, which logs and applies entries when the test says so. */
import { join } from 'node:path';
import { AUTHORITY_MS } from '@trireme/coherence';
import { decodeBatch, type Batch, type CatalogToReplica, type ReplicaToCatalog } from '@trireme/domain';
import { RaftError, makeEntry, type Entry, type RaftErrorCode } from '@trireme/raft';
import { createLog } from '@trireme/service';
import { BookStateMachine } from '../book/machine.js';
import { LeaderSession } from '../leader/session.js';
import type { Book } from '../rules/book/book.js';
import type { SubmitAnswer } from '../rules/leader/command-queue.js';
import { parseCatalogFrame } from '../rules/frames.js';
import { RecentBatches } from '../rules/leader/recent-batches.js';
import { CATALOG, ReferenceCatalog } from '../rules/testing/reference-catalog.js';
import type { BookEntry, BookMeta } from '../rules/book/state.js';
import { STOCKS, seedEntry } from '../rules/testing/batches.js';
import type { BookStore } from '../book/store.js';
import { withFolder } from './folders.js';
import { until } from './test-replica.js';
import { bookOf, fillStore, openStore } from './stores.js';

const LOG = createLog({ service: 'test', id: '1', level: 'silent' });

export class LeaderSessionFixture {
  readonly answers: SubmitAnswer[] = [];
  readonly fatals: unknown[] = [];
  readonly proposed: Batch[] = [];
  readonly catalog = new ReferenceCatalog();
  readonly session: LeaderSession;
  readonly store: BookStore;
  /** Error code with which the node refuses proposals and reads; null to accept them. */
  refuseWith: RaftErrorCode | null = null;
  refusals = 0;
  /** The session's clock in milliseconds; only the test moves it. */
  now = 0;
  /** The members' wall clocks, in milliseconds since 1970. */
  wall = 0;
  /** Number of writes of the book that have begun. */
  writes = 0;
  /** Completes the writes that began since `blockWrites`. */
  unblockWrites: () => void = () => undefined;
  #held: Promise<void> = Promise.resolve();
  readonly #machine: BookStateMachine;
  #unapplied: Entry[] = [];
  #index: number;
  #frames: ReplicaToCatalog[] = [];
  readonly #recent: RecentBatches;

  constructor(store: BookStore, book: Book) {
    this.store = store;
    this.#index = book.meta.applied;
    const { lastSeq: seq, lastIndex: index, hash } = book.meta;
    this.#recent = new RecentBatches({ seq, index, hash });
    const write = store.write.bind(store);
    store.write = async (writes) => {
      this.writes += 1;
      await this.#held;
      await write(writes);
    };
    this.#machine = new BookStateMachine(book, store, {
      onApplied: (index, decided) => {
        for (const batch of decided) this.#recent.add(batch, this.session.visible);
        this.session.onApplied(index, decided);
      },
      onStored: (index) => this.session.onStored(index),
      onError: (error) => this.fatals.push(error),
    });
    this.session = new LeaderSession({
      node: {
        propose: (data) => {
          this.#check();
          this.proposed.push(decodeBatch(data));
          this.#index += 1;
          this.#unapplied.push(makeEntry(this.#index, 1, 'command', data));
          return { index: this.#index, term: 1 };
        },
        read: async () => {
          this.#check();
          return this.#index;
        },
      },
      machine: this.#machine,
      term: 1,
      recent: this.#recent,
      electedAt: this.now,
      catalogs: {
        links: [{ link: 1, id: CATALOG, isLeaderAnnounced: false }],
        send: (_, frame) => this.#frames.push(frame),
      },
      log: LOG,
      answer: (answers) => this.answers.push(...answers),
      fatal: (error) => this.fatals.push(error),
      onStep: () => undefined,
      now: () => this.now,
      wallClock: () => this.wall,
    });
  }

  /** The results that were answered, in order. */
  get results(): readonly unknown[] {
    return this.answers.map(({ result }) => result[1]);
  }

  #check(): void {
    if (this.refuseWith === null) return;
    this.refusals += 1;
    throw new RaftError(this.refuseWith, 'refused by the test');
  }

  get isStored(): boolean {
    return this.#machine.isStored;
  }

  /** Meta record of the stored book. */
  get stored(): BookMeta {
    return this.#machine.stored;
  }

  /** From now on writes of the book hang. */
  blockWrites(): void {
    this.#held = new Promise((resolve) => (this.unblockWrites = resolve));
  }

  async apply(): Promise<void> {
    const entries = this.#unapplied.splice(0);
    if (entries.length > 0) await this.#machine.apply(entries);
  }

  /** Number of commands of each proposal; 0 for one that only announces visible orders. */
  get sizes(): readonly number[] {
    return this.proposed.map(({ commands }) => commands.length);
  }

  /** Delivers all frames sent to the catalog, and its answers. */
  answerCatalog(change: (answer: CatalogToReplica) => unknown = (answer) => answer): void {
    for (const sent of this.#frames.splice(0)) {
      for (const answer of this.catalog.handle(sent, this.now)) {
        const frame = parseCatalogFrame(change(answer));
        if (frame.t !== 'hello') this.session.onCatalogFrame(1, frame);
      }
    }
  }

  /** Runs until the catalog holds authority. Authority of older leaders is over by then. */
  async grantAuthority(): Promise<void> {
    this.now += 2 * AUTHORITY_MS;
    await until(() => {
      this.answerCatalog();
      if (this.catalog.isReady(this.now)) return true;
      for (const frame of this.catalog.requestAuthority(this.now)) {
        if (frame.t !== 'hello') this.session.onCatalogFrame(1, frame);
      }
      return false;
    }, 'the authority of the catalog');
  }

  async close(): Promise<void> {
    this.session.close();
    await this.#machine.close();
  }

  async waitForAcknowledged(): Promise<boolean> {
    return new Promise((resolve) => this.session.waitForAcknowledged(1, resolve));
  }
}

/** @param entries entries that earlier leaders logged after the seed at log index 1 */
export async function withSession(
  run: (bench: LeaderSessionFixture) => Promise<void>,
  entries: readonly BookEntry[] = [],
): Promise<void> {
  await withFolder(async (path) => {
    const book = join(path, 'book');
    await fillStore(book, [seedEntry(1, STOCKS, {}, { catalogs: [CATALOG] }), ...entries]);
    const opened = await openStore(book);
    const bench = new LeaderSessionFixture(opened.store, bookOf(opened));
    try {
      await run(bench);
    } finally {
      await bench.close();
    }
  });
}

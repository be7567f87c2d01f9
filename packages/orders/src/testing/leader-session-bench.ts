/** The session on a node of the test's own, which says when what is logged and when it is applied. */
import { join } from 'node:path';
import { AUTHORITY_MS } from '@trireme/coherence';
import { decodeBatch, type Batch, type CatalogToReplica, type ReplicaToCatalog } from '@trireme/domain';
import { RaftError, makeEntry, type Entry, type RaftErrorCode } from '@trireme/raft';
import { createLog } from '@trireme/service';
import { BookMachine } from '../machine.js';
import { LeaderSession } from '../leader-session.js';
import type { Book } from '../rules/book.js';
import type { Answer } from '../rules/command-queue.js';
import { parseCatalogFrame } from '../rules/frames.js';
import { RecentBatches } from '../rules/recent-batches.js';
import { CATALOG, ReferenceCatalog } from '../rules/testing/reference-catalog.js';
import type { BookEntry, BookMeta } from '../rules/state.js';
import { STOCKS, seeding } from '../rules/testing/batches.js';
import type { BookStore } from '../store.js';
import { withFolder } from './folders.js';
import { until } from './rig.js';
import { bookOf, fill, open } from './stores.js';

const LOG = createLog({ service: 'test', id: '1', level: 'silent' });

export class LeaderSessionBench {
  readonly answers: Answer[] = [];
  readonly fatals: unknown[] = [];
  readonly proposed: Batch[] = [];
  readonly catalog = new ReferenceCatalog();
  readonly session: LeaderSession;
  readonly store: BookStore;
  /** What the node answers to proposals and reads with, if not yes. */
  refuse: RaftErrorCode | null = null;
  refusals = 0;
  /** The session's clock, in milliseconds; it stands unless a test moves it. */
  now = 0;
  /** The members' wall clocks, in milliseconds since 1970. */
  wall = 0;
  /** Writes of the book that were begun. */
  writes = 0;
  /** Ends the writes that were begun since `holdWrites`. */
  letWrite: () => void = () => undefined;
  #held: Promise<void> = Promise.resolve();
  readonly #machine: BookMachine;
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
    this.#machine = new BookMachine(book, store, {
      applied: (index, decided) => {
        for (const batch of decided) this.#recent.add(batch, this.session.visible);
        this.session.applied(index, decided);
      },
      stored: (index) => this.session.stored(index),
      failed: (error) => this.fatals.push(error),
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
        open: [{ link: 1, id: CATALOG, isLed: false }],
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

  /** What was answered, in order. */
  get results(): readonly unknown[] {
    return this.answers.map(({ result }) => result[1]);
  }

  #check(): void {
    if (this.refuse === null) return;
    this.refusals += 1;
    throw new RaftError(this.refuse, 'refused by the test');
  }

  get isStored(): boolean {
    return this.#machine.isStored;
  }

  /** The book as its store has it. */
  get stored(): BookMeta {
    return this.#machine.stored;
  }

  /** From now on the book's disk hangs. */
  holdWrites(): void {
    this.#held = new Promise((resolve) => (this.letWrite = resolve));
  }

  async apply(): Promise<void> {
    const entries = this.#unapplied.splice(0);
    if (entries.length > 0) await this.#machine.apply(entries);
  }

  /** Commands of each proposal; none where it only tells what is visible. */
  get sizes(): readonly number[] {
    return this.proposed.map(({ commands }) => commands.length);
  }

  /** Has the catalog answer everything that was sent to it. */
  answerCatalog(change: (answer: CatalogToReplica) => unknown = (answer) => answer): void {
    for (const sent of this.#frames.splice(0)) {
      for (const answer of this.catalog.handle(sent, this.now)) {
        const frame = parseCatalogFrame(change(answer));
        if (frame.t !== 'hello') this.session.catalogMessage(1, frame);
      }
    }
  }

  /** Until the catalog holds authority. What older leaders may have granted is over by then. */
  async converse(): Promise<void> {
    this.now += 2 * AUTHORITY_MS;
    await until(() => {
      this.answerCatalog();
      if (this.catalog.isReady(this.now)) return true;
      for (const frame of this.catalog.ask(this.now)) {
        if (frame.t !== 'hello') this.session.catalogMessage(1, frame);
      }
      return false;
    }, 'the conversation with the catalog');
  }

  async close(): Promise<void> {
    this.session.close();
    await this.#machine.close();
  }

  async whenComplete(): Promise<boolean> {
    return new Promise((resolve) => this.session.whenComplete(1, resolve));
  }
}

/** @param entries what earlier leaders have logged, after the seed at log index 1 */
export async function withSession(
  run: (bench: LeaderSessionBench) => Promise<void>,
  entries: readonly BookEntry[] = [],
): Promise<void> {
  await withFolder(async (path) => {
    const book = join(path, 'book');
    await fill(book, [seeding(1, STOCKS, {}, { catalogs: [CATALOG] }), ...entries]);
    const opened = await open(book);
    const bench = new LeaderSessionBench(opened.store, bookOf(opened));
    try {
      await run(bench);
    } finally {
      await bench.close();
    }
  });
}

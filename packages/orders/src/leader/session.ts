/**
 * What a replica runs for one term as leader: appends commands to the log (BatchProposer), sends them to the
 * catalogs at the same time, and answers once they are decided and visible. Connects the rules (CommandQueue,
 * CatalogFeed) with the Raft node, the catalog links and timers. Opened when the replica becomes leader, closed
 * when it loses leadership.
 */
import type { LogIndex, Term } from '@trireme/raft';
import { AUTHORITY_MS } from '@trireme/coherence';
import { FormatError, TriremeError, type Command, type Order, type ReplicaToCatalog } from '@trireme/domain';
import { WakeTimer, type Log } from '@trireme/service';
import { BatchProposer } from './batch-proposer.js';
import type { CatalogLinkView } from './catalog-links.js';
import { CatalogFeed, type CatalogState, type FeedAction } from '../rules/leader/catalog-feed.js';
import { changeCatalogs, type CatalogChange } from '../rules/leader/catalog-set.js';
import { CommandQueue, type SubmitAnswer, type Waiter } from '../rules/leader/command-queue.js';
import type { CatalogFrame } from '../rules/frames.js';
import { IdempotencyIndex } from '../rules/book/idempotency-index.js';
import { ReadWaitQueue } from '../rules/leader/read-wait-queue.js';
import type { RecentBatches, VisibleStocks } from '../rules/leader/recent-batches.js';
import type { DecidedBatch } from '../rules/book/state.js';
import type { BookStateMachine } from '../book/machine.js';
import { RequestTracer } from './tracer.js';

/** The part of a Raft node that the session uses. */
export interface Proposer {
  propose(data: Uint8Array): { readonly index: LogIndex; readonly term: Term };
  read(): Promise<LogIndex>;
}

/** Steps of an order's path, for observers. */
export type OrderStep = 'sent' | 'decided' | 'revoked' | 'answered';

/** The links to catalogs. */
interface CatalogLinks {
  readonly links: Iterable<CatalogLinkView>;
  send(link: number, frame: ReplicaToCatalog): void;
}

/** A requested change of the catalog set. */
interface SetChange {
  readonly change: CatalogChange;
  /** Log index of the entry with the change; null until it is proposed. */
  index: number | null;
  /** Whether a retry is scheduled. */
  isRetryScheduled: boolean;
  readonly done: (error: TriremeError | null) => void;
}

interface LeaderSessionOptions {
  readonly node: Proposer;
  readonly machine: BookStateMachine;
  readonly term: Term;
  /**
   * When this replica was elected, on the clock of `now`: every round that confirmed an older leader ended
   * before.
   */
  readonly electedAt: number;
  /** The last batches that the book applied. Each batch is added before `applied` reports it. */
  readonly recent: RecentBatches;
  readonly catalogs: CatalogLinks;
  readonly log: Log;
  readonly answer: (answers: readonly SubmitAnswer[]) => void;
  readonly fatal: (error: unknown) => void;
  readonly onStep: (step: OrderStep) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Median of the members' wall clocks, in milliseconds since 1970; it may jump. */
  readonly wallClock: () => number;
}

/** Maximum number of items of reads that wait for the store, and of look-ups that wait for visibility. */
const WAITING_ITEMS_MAX = 100_000;

export class LeaderSession {
  readonly #options: LeaderSessionOptions;
  readonly #queue: CommandQueue;
  readonly #feed: CatalogFeed;
  readonly #tracer: RequestTracer;
  readonly #proposer: BatchProposer;
  readonly #waits = new ReadWaitQueue(WAITING_ITEMS_MAX);
  readonly #lookups = new ReadWaitQueue(WAITING_ITEMS_MAX);
  #setChange: SetChange | null = null;
  readonly #feedTimer: WakeTimer;
  #isOpen = true;

  constructor(options: LeaderSessionOptions) {
    this.#options = options;
    const { machine, term, recent, electedAt } = options;
    const { book } = machine;
    const known = new IdempotencyIndex(book);
    this.#queue = new CommandQueue({ ...book.meta, storedIndex: machine.applied }, (key) => known.find(key));
    const authorityMs = AUTHORITY_MS;
    this.#feed = new CatalogFeed({ term, book, recent, authorityMs, electedAt });
    this.#feedTimer = new WakeTimer(options.now, () => this.#runFeed((now) => this.#feed.tick(now)));
    this.#tracer = new RequestTracer(options.log);
    this.#proposer = new BatchProposer({
      propose: (bytes) => options.node.propose(bytes),
      queue: this.#queue,
      book,
      beforeCommands: () => this.#proposeSetChange(),
      onLogged: ({ index, bytes }, commands) => this.#onLogged(index, bytes, commands),
      fail: (error) => this.#fail(error),
      now: options.now,
      wallClock: options.wallClock,
    });
    this.#runFeed((now) => this.#feed.start(now));
    for (const { link, id, isLeaderAnnounced } of options.catalogs.links)
      this.#runFeed(() => this.#feed.onLinkOpened(link, id, isLeaderAnnounced));
  }

  get status(): { open: number; queued: number; visibleIndex: LogIndex; catalogs: readonly CatalogState[] } {
    const { open, queued } = this.#queue;
    return { open, queued, visibleIndex: this.#feed.visible, catalogs: this.#feed.catalogStates };
  }

  /** All entries up to this log index are visible. */
  get visible(): LogIndex {
    return this.#feed.visible;
  }

  /** Orders up to this number may be shown to clients. */
  get visibleOrders(): number {
    return this.#queue.visibleOrders;
  }

  /** @param requestId request id that the client gave, if any */
  submit(command: Command, waiter: Waiter, requestId: string | null = null): void {
    const { queued } = this.#queue;
    const answer = this.#queue.submit(command, waiter);
    if (requestId !== null) this.#tracer.onSubmitted(command.key, requestId, this.#queue.queued > queued);
    if (answer === null) this.#proposer.flushSoon();
    else this.#options.answer([answer]);
  }

  /** The link of a front-end closed: drops its waiters. */
  onFrontendClosed(link: number): void {
    this.#queue.dropWaiters(link);
  }

  /**
   * Entries up to log index `index`, all of this session, were applied; `decided` are the batches among them.
   */
  onApplied(index: LogIndex, decided: readonly DecidedBatch[]): void {
    this.#guard(() => {
      for (const batch of decided) {
        this.#tracer.onDecided(batch.index);
        this.#queue.onDecided(batch);
      }
    });
    if (decided.length > 0) this.#options.onStep('decided');
    this.#runFeed((now) => this.#feed.onApplied(index, now));
    if (!this.#isOpen) return;
    this.#proposer.onApplied(index);
    if ((this.#setChange?.index ?? Infinity) <= index) this.#finishSetChange(null);
    // Commands that exceeded the limit of proposals in flight can go now.
    this.#flushIfWaiting();
    this.#flushStoreForReads();
  }

  /** The store contains everything up to log index `index`. */
  onStored(index: LogIndex): void {
    if (!this.#isOpen) return;
    this.#queue.onStored(index);
    this.#waits.onReadable(this.#queue.readableIndex);
  }

  /** Order `number` if it is visible and not stored yet; otherwise null. */
  unstoredOrder(number: number): Order | null {
    return this.#queue.unstoredOrder(number);
  }

  /** Flushes the store at once if reads wait for it. */
  #flushStoreForReads(): void {
    if (this.#waits.size > 0) this.#options.machine.startFlush();
  }

  /**
   * Calls `done(true)` once the store contains every order that any client was notified of before this call,
   * as of a read that a majority confirmed (ReadIndex, Raft thesis 6.4); `done(false)` if this replica cannot
   * confirm it now. `items` is the number of items that the read counts for in the limit of waiting items.
   */
  waitForAcknowledged(items: number, done: (complete: boolean) => void): void {
    this.#options.node.read().then(
      () => {
        if (!this.#isOpen) {
          done(false);
          return;
        }
        const { acknowledgedIndex, readableIndex } = this.#queue;
        this.#waits.wait(acknowledgedIndex, readableIndex, items, done);
        this.#flushStoreForReads();
      },
      () => done(false),
    );
  }

  /**
   * Calls `done` with the stocks as visible at some moment after this call, as of a read that a majority
   * confirmed; with null if this replica cannot confirm it now. `items` as in `waitForAcknowledged`.
   */
  readVisibleStocks(items: number, done: (stocks: VisibleStocks | null) => void): void {
    this.#options.node.read().then(
      () => {
        const answer = (isVisible: boolean): void => done(isVisible ? this.#feed.stocks : null);
        if (this.#isOpen)
          this.#lookups.wait(this.#queue.acknowledgedIndex, this.#feed.visible, items, answer);
        else done(null);
      },
      () => done(null),
    );
  }

  onCatalogOpened(link: number, id: string): void {
    this.#runFeed(() => this.#feed.onLinkOpened(link, id, false));
  }

  onCatalogClosed(link: number): void {
    this.#runFeed(() => this.#feed.onLinkClosed(link));
  }

  /** @throws FormatError if the frame contradicts what the catalog was sent. */
  onCatalogFrame(link: number, frame: CatalogFrame): void {
    this.#runFeed((now) => this.#feed.onFrame(link, frame, now));
  }

  /** Ids of the configured catalog set. */
  get catalogIds(): readonly string[] {
    return this.#feed.catalogIds;
  }

  /**
   * Changes the catalog set; resolves once the change is committed.
   * @throws TriremeError `BAD_MEMBERSHIP`, `CHANGE_PENDING`: no effect; `OUTCOME_UNKNOWN`: it may still be
   *   committed.
   */
  async changeCatalogs(change: CatalogChange): Promise<void> {
    if (this.#setChange !== null)
      throw new TriremeError(
        'CHANGE_PENDING',
        'another change of the catalog set is in progress; try again later',
      );
    changeCatalogs(this.#feed.catalogIds, change);
    return new Promise((resolve, reject) => {
      const done = (error: TriremeError | null): void => (error === null ? resolve() : reject(error));
      this.#setChange = { change, index: null, isRetryScheduled: false, done };
      if ('remove' in change) this.#feed.retire(change.remove);
      this.#proposer.flushSoon();
    });
  }

  #finishSetChange(error: TriremeError | null): void {
    const change = this.#setChange;
    this.#setChange = null;
    change?.done(error);
  }

  /** This replica lost leadership: answers every waiter and stops all work. */
  close(): void {
    this.#isOpen = false;
    this.#proposer.stop();
    this.#feedTimer.stop();
    this.#options.answer(this.#queue.close());
    this.#waits.cancelAll();
    this.#lookups.cancelAll();
    const message =
      'this replica lost leadership before the change was committed; check GET /catalogs of the new leader';
    this.#finishSetChange(new TriremeError('OUTCOME_UNKNOWN', message));
  }

  /** After a violated invariant nothing is decided, answered or logged any more; the process has to stop. */
  #fail(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#proposer.stop();
    this.#options.fatal(error);
  }

  #guard(work: () => void): void {
    if (!this.#isOpen) return;
    try {
      work();
    } catch (error) {
      if (error instanceof FormatError) throw error;
      this.#fail(error);
    }
  }

  #runFeed(advance: (now: number) => readonly FeedAction[]): void {
    this.#guard(() => {
      for (const action of advance(this.#options.now())) this.#perform(action);
    });
    if (this.#isOpen) this.#feedTimer.set(this.#feed.wakeAt);
  }

  #perform(action: FeedAction): void {
    switch (action.do) {
      case 'send': {
        const { link, frame } = action;
        if (frame.t === 'reset' || frame.t === 'refused')
          this.#options.log.warn({ link, reason: frame.reason }, 'catalog reset or refused');
        if (frame.t === 'snapshot' && frame.part === 0)
          this.#options.log.info({ link, index: frame.index }, 'sending stock table to catalog');
        this.#options.catalogs.send(link, this.#tracer.withTraces(frame));
        if (frame.t === 'entry') this.#options.onStep('sent');
        return;
      }
      case 'confirm':
        this.#confirm(action.link, action.id);
        return;
      case 'visible': {
        this.#options.onStep('revoked');
        this.#tracer.dropUpTo(action.index);
        const answers = this.#queue.onVisible(action.index);
        this.#options.answer(answers);
        if (answers.length > 0) this.#options.onStep('answered');
        this.#waits.onReadable(this.#queue.readableIndex);
        this.#lookups.onReadable(action.index);
        this.#proposer.announceVisibleSoon();
        // Commands that exceeded the limit of invisible commands can go now.
        this.#flushIfWaiting();
      }
    }
  }

  #confirm(link: number, id: number): void {
    const end = (isConfirmed: boolean): void =>
      this.#runFeed((now) => this.#feed.onRoundEnd(link, id, isConfirmed, now));
    // After a refusal because of load or lost leadership the catalog asks again.
    this.#options.node.read().then(
      () => end(true),
      () => end(false),
    );
  }

  #flushIfWaiting(): void {
    if (this.#setChange !== null) this.#proposer.flushSoon();
    else this.#proposer.flushIfWaiting();
  }

  /**
   * Proposes the requested change of the catalog set; a removal waits until the catalog cannot hold authority
   * any more.
   */
  #proposeSetChange(): void {
    const pending = this.#setChange;
    if (pending === null || pending.index !== null || !this.#proposer.hasRoom) return;
    const { change } = pending;
    if ('remove' in change && !this.#feed.mayRemove(change.remove, this.#options.now())) {
      if (pending.isRetryScheduled) return;
      pending.isRetryScheduled = true;
      this.#proposer.flushLater(() => (pending.isRetryScheduled = false));
      return;
    }
    const ids = changeCatalogs(this.#feed.catalogIds, change);
    const logged = this.#proposer.append([], ids);
    if (logged === null) return;
    pending.index = logged.index;
    this.#runFeed((now) => this.#feed.onSetLogged(logged.index, ids, now));
  }

  #onLogged(index: LogIndex, bytes: Uint8Array, commands: readonly Command[]): void {
    this.#queue.onLogged(index, commands);
    this.#tracer.onLogged(index, commands);
    const names = [...new Set(commands.map(({ name }) => name))];
    this.#runFeed((now) => this.#feed.onLogged(index, bytes, names, now));
  }
}

/**
 * Everything that a replica does because it leads: takes orders to the log, tells the catalogs of them at the same time, and
 * answers once they are decided and no cache shows anything older. Joins the rules of queue and feed with the node, the links to
 * catalogs and timers. Opened when the replica begins to lead, closed when it stops.
 */
import { RaftError, type LogIndex, type Term } from '@trireme/raft';
import { AUTHORITY_MS } from '@trireme/coherence';
import {
  FormatError,
  TriremeError,
  encodeBatch,
  type Command,
  type Order,
  type ReplicaToCatalog,
} from '@trireme/domain';
import { WakeTimer, workAtTurnEnd, type Log } from '@trireme/service';
import type { CatalogLinkView } from './catalog-links.js';
import { CatalogFeed, type CatalogStanding, type FeedAction } from './rules/catalog-feed.js';
import { changeCatalogs, type CatalogChange } from './rules/catalog-set.js';
import { BatchDelay } from './rules/batch-delay.js';
import { CommandQueue, type Answer, type Waiter } from './rules/command-queue.js';
import type { CatalogFrame } from './rules/frames.js';
import { IdempotencyIndex } from './rules/idempotency-index.js';
import { LogClock } from './rules/log-clock.js';
import { ReadWaits } from './rules/read-waits.js';
import type { RecentBatches, VisibleStocks } from './rules/recent-batches.js';
import type { DecidedBatch } from './rules/state.js';
import type { BookMachine } from './machine.js';
import { Tracer } from './tracer.js';

/** What the session needs of a Raft node. */
export interface Proposer {
  propose(data: Uint8Array): { readonly index: LogIndex; readonly term: Term };
  read(): Promise<LogIndex>;
}

/** Steps of an order's path that an observer may want to see as they happen. */
export type OrderStep = 'sent' | 'decided' | 'revoked' | 'answered';

/** Links to catalogs, by their ids. */
interface CatalogLinks {
  readonly open: Iterable<CatalogLinkView>;
  send(link: number, frame: ReplicaToCatalog): void;
}

/** A change of the set of catalogs that was asked for. */
interface SetChange {
  readonly change: CatalogChange;
  /** Log index of the entry that makes it; null before. */
  index: number | null;
  /** It is looked at again soon. */
  isTimed: boolean;
  readonly done: (error: TriremeError | null) => void;
}

interface LeaderSessionOptions {
  readonly node: Proposer;
  readonly machine: BookMachine;
  readonly term: Term;
  /** When this replica was elected, on the clock of `now`: no older leader has had a round confirmed after that. */
  readonly electedAt: number;
  /** The last batches that the book has applied. Each one is added before `applied` tells of it. */
  readonly recent: RecentBatches;
  readonly catalogs: CatalogLinks;
  readonly log: Log;
  readonly answer: (answers: readonly Answer[]) => void;
  readonly fatal: (error: unknown) => void;
  readonly onStep: (step: OrderStep) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970, as the members' clocks together have it; it may jump. */
  readonly wallClock: () => number;
}

/**
 * Each batch tells the other replicas how many orders are visible. Where none follows for this long, in milliseconds, an entry
 * of its own tells them.
 */
const TELL_VISIBLE_MS = 100;
/** Batches that are logged and not yet committed at most: what comes meanwhile makes the next one larger. */
const PROPOSALS_IN_FLIGHT_MAX = 8;
/** Wait before a step that was refused for load is tried again, in milliseconds. */
const RETRY_MS = 20;
/** Items of reads that wait for the store, and of look-ups that wait until they may be answered, at most. */
const WAITING_ITEMS_MAX = 100_000;

export class LeaderSession {
  readonly #o: LeaderSessionOptions;
  readonly #queue: CommandQueue;
  readonly #feed: CatalogFeed;
  readonly #tracer: Tracer;
  readonly #batchDelay = new BatchDelay();
  readonly #clock: LogClock;
  readonly #waits = new ReadWaits(WAITING_ITEMS_MAX);
  readonly #lookups = new ReadWaits(WAITING_ITEMS_MAX);
  /** Log indexes of own proposals that are not yet committed, in order. */
  readonly #proposed: number[] = [];
  /** How many orders are visible, as the log was told last. */
  #toldVisible: number;
  #setChange: SetChange | null = null;
  readonly #feedTimer: WakeTimer;
  #isFlushDue = false;
  #isTellTimed = false;
  #isTellDue = false;
  #isDelayTimed = false;
  #isRetryTimed = false;
  #isOpen = true;

  constructor(options: LeaderSessionOptions) {
    this.#o = options;
    const { machine, term, recent, electedAt } = options;
    const { book } = machine;
    const known = new IdempotencyIndex(book);
    this.#queue = new CommandQueue({ ...book.meta, storedIndex: machine.applied }, (key) => known.find(key));
    const authorityMs = AUTHORITY_MS;
    this.#feed = new CatalogFeed({ term, book, recent, authorityMs, electedAt });
    this.#feedTimer = new WakeTimer(options.now, () => this.#act((now) => this.#feed.tick(now)));
    this.#toldVisible = book.meta.visibleOrders;
    this.#tracer = new Tracer(options.log);
    this.#clock = new LogClock(book.meta, options.now());
    this.#act((now) => this.#feed.begin(now));
    for (const { link, id, isLed } of options.catalogs.open)
      this.#act(() => this.#feed.linkOpened(link, id, isLed));
  }

  get status(): { open: number; queued: number; visible: LogIndex; catalogs: readonly CatalogStanding[] } {
    const { open, queued } = this.#queue;
    return { open, queued, visible: this.#feed.visible, catalogs: this.#feed.standings };
  }

  /** Everything up to this log index is visible. */
  get visible(): LogIndex {
    return this.#feed.visible;
  }

  /** Orders up to this number may be shown to anyone. */
  get visibleOrders(): number {
    return this.#queue.visibleOrders;
  }

  /** @param requestId of the request that brought it, where its client gave one */
  submit(command: Command, waiter: Waiter, requestId: string | null = null): void {
    const { queued } = this.#queue;
    const answer = this.#queue.submit(command, waiter);
    if (requestId !== null) this.#tracer.taken(command.key, requestId, this.#queue.queued > queued);
    if (answer === null) this.#flushSoon();
    else this.#o.answer([answer]);
  }

  /** The link of a front-end is closed: nobody waits on it any more. */
  linkClosed(link: number): void {
    this.#queue.forget(link);
  }

  /** Entries up to log index `index` were applied, with these batches among them: all of this session. */
  applied(index: LogIndex, decided: readonly DecidedBatch[]): void {
    this.#guard(() => {
      for (const batch of decided) {
        this.#tracer.decided(batch.index);
        this.#queue.decided(batch);
      }
    });
    if (decided.length > 0) this.#o.onStep('decided');
    this.#act((now) => this.#feed.applied(index, now));
    if (!this.#isOpen) return;
    while (this.#proposed[0] !== undefined && this.#proposed[0] <= index) this.#proposed.shift();
    if ((this.#setChange?.index ?? Infinity) <= index) this.#endSetChange(null);
    // What found no room among the proposals in flight goes now.
    this.#flushWaiting();
    this.#hurry();
  }

  /** The store has everything up to log index `index`. */
  stored(index: LogIndex): void {
    if (!this.#isOpen) return;
    this.#queue.stored(index);
    this.#waits.readableTo(this.#queue.readableIndex);
  }

  /** Order `number`, if it is visible and not in the store yet; null else. */
  order(number: number): Order | null {
    return this.#queue.order(number);
  }

  /** Reads wait for what the store does not have yet. */
  #hurry(): void {
    if (this.#waits.size > 0) this.#o.machine.hurry();
  }

  /**
   * Calls `done(true)` once the store holds every order that a client may have been told of before this call, as of a
   * read confirmed by the majority; `done(false)` if this replica cannot say so now. `items` is what the read weighs.
   */
  whenComplete(items: number, done: (complete: boolean) => void): void {
    this.#o.node.read().then(
      () => {
        if (!this.#isOpen) {
          done(false);
          return;
        }
        const { toldIndex, readableIndex } = this.#queue;
        this.#waits.wait(toldIndex, readableIndex, items, done);
        this.#hurry();
      },
      () => done(false),
    );
  }

  /**
   * Calls `done` with the stocks as they are visible at a moment after this call, as of a read confirmed by the majority; with
   * null if this replica cannot say so now. `items` is what the read weighs.
   */
  whenVisible(items: number, done: (stocks: VisibleStocks | null) => void): void {
    this.#o.node.read().then(
      () => {
        const answer = (isVisible: boolean): void => done(isVisible ? this.#feed.stocks : null);
        if (this.#isOpen) this.#lookups.wait(this.#queue.toldIndex, this.#feed.visible, items, answer);
        else done(null);
      },
      () => done(null),
    );
  }

  catalogOpened(link: number, id: string): void {
    this.#act(() => this.#feed.linkOpened(link, id, false));
  }

  catalogClosed(link: number): void {
    this.#act(() => this.#feed.linkClosed(link));
  }

  /** @throws FormatError if it says what cannot be. */
  catalogMessage(link: number, frame: CatalogFrame): void {
    this.#act((now) => this.#feed.received(link, frame, now));
  }

  /** Ids of the configured set of catalogs. */
  get catalogIds(): readonly string[] {
    return this.#feed.ids;
  }

  /**
   * Changes the set of catalogs; resolves once that is committed.
   * @throws TriremeError `BAD_MEMBERSHIP`, `CHANGE_PENDING`: it had no effect; `OUTCOME_UNKNOWN`: it may yet come about.
   */
  async changeCatalogs(change: CatalogChange): Promise<void> {
    if (this.#setChange !== null)
      throw new TriremeError('CHANGE_PENDING', 'another change of the set of catalogs is under way');
    changeCatalogs(this.#feed.ids, change);
    return new Promise((resolve, reject) => {
      const done = (error: TriremeError | null): void => (error === null ? resolve() : reject(error));
      this.#setChange = { change, index: null, isTimed: false, done };
      if ('remove' in change) this.#feed.retire(change.remove);
      this.#flushSoon();
    });
  }

  #endSetChange(error: TriremeError | null): void {
    const change = this.#setChange;
    this.#setChange = null;
    change?.done(error);
  }

  /** This replica leads no more: tells every waiter, and does nothing from now on. */
  close(): void {
    this.#isOpen = false;
    this.#feedTimer.stop();
    this.#o.answer(this.#queue.close());
    this.#waits.giveUp();
    this.#lookups.giveUp();
    const lost = 'the leader lost its lead: look at GET /catalogs of its successor';
    this.#endSetChange(new TriremeError('OUTCOME_UNKNOWN', lost));
  }

  /** After a broken rule nothing is decided, answered or logged any more: the process stops. */
  #fail(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#o.fatal(error);
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

  #act(advance: (now: number) => readonly FeedAction[]): void {
    this.#guard(() => {
      for (const action of advance(this.#o.now())) this.#do(action);
    });
    if (this.#isOpen) this.#feedTimer.set(this.#feed.wakeAt);
  }

  #do(action: FeedAction): void {
    switch (action.do) {
      case 'send': {
        const { link, frame } = action;
        if (frame.t === 'reset' || frame.t === 'refused')
          this.#o.log.warn({ link, reason: frame.reason }, 'catalog is not led on');
        if (frame.t === 'snapshot' && frame.part === 0)
          this.#o.log.info({ link, index: frame.index }, 'sending the stock table to a catalog');
        this.#o.catalogs.send(link, this.#tracer.traced(frame));
        if (frame.t === 'entry') this.#o.onStep('sent');
        return;
      }
      case 'confirm':
        this.#confirm(action.link, action.id);
        return;
      case 'visible': {
        this.#o.onStep('revoked');
        this.#tracer.forgetTo(action.index);
        const answers = this.#queue.visible(action.index);
        this.#o.answer(answers);
        if (answers.length > 0) this.#o.onStep('answered');
        this.#waits.readableTo(this.#queue.readableIndex);
        this.#lookups.readableTo(action.index);
        this.#tellSoon();
        // What found no room among the commands that are not visible goes now.
        this.#flushWaiting();
      }
    }
  }

  #confirm(link: number, id: number): void {
    const end = (isConfirmed: boolean): void =>
      this.#act((now) => this.#feed.confirmed(link, id, isConfirmed, now));
    // Refused for load, or as the lead is lost: the catalog asks again.
    this.#o.node.read().then(
      () => end(true),
      () => end(false),
    );
  }

  /** Tells the other replicas how many orders are visible, unless a batch does so before. */
  #tellSoon(): void {
    if (this.#isTellTimed || this.#queue.visibleOrders <= this.#toldVisible) return;
    this.#isTellTimed = true;
    const told = this.#toldVisible;
    this.#after(TELL_VISIBLE_MS, () => {
      this.#isTellTimed = false;
      if (this.#toldVisible > told) this.#tellSoon();
      else {
        this.#isTellDue = true;
        this.#flushSoon();
      }
    });
  }

  #flushWaiting(): void {
    if (this.#queue.queued > 0 || this.#isTellDue || this.#setChange !== null) this.#flushSoon();
  }

  /** Logs what has gathered at the end of this turn of the event loop. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    workAtTurnEnd(() => {
      this.#isFlushDue = false;
      this.#ifOpen(() => this.#flush());
    });
  }

  #flush(): void {
    if (this.#isRetryTimed) return;
    this.#flushSetChange();
    if (this.#delaysBatch()) return;
    while (this.#proposed.length < PROPOSALS_IN_FLIGHT_MAX) {
      const commands = this.#queue.takeBatch();
      if (commands === null && !this.#isTellDue) return;
      if (!this.#propose(commands ?? [])) return;
    }
  }

  /** Logs the change of the set of catalogs that was asked for, once a catalog that leaves surely holds no authority. */
  #flushSetChange(): void {
    const asked = this.#setChange;
    if (asked === null || asked.index !== null || this.#proposed.length >= PROPOSALS_IN_FLIGHT_MAX) return;
    const { change } = asked;
    if ('remove' in change && !this.#feed.mayRemove(change.remove, this.#o.now())) {
      if (asked.isTimed) return;
      asked.isTimed = true;
      this.#after(RETRY_MS, () => {
        asked.isTimed = false;
        this.#flushSoon();
      });
      return;
    }
    const ids = changeCatalogs(this.#feed.ids, change);
    const logged = this.#log([], ids);
    if (logged === null) return;
    asked.index = logged.index;
    this.#act((now) => this.#feed.setLogged(logged.index, ids, now));
  }

  /** Returns whether the log took them. */
  #propose(commands: readonly Command[]): boolean {
    const logged = this.#log(commands);
    if (logged === null) {
      this.#queue.notLogged(commands);
      return false;
    }
    if (commands.length === 0) return true;
    const { index, bytes } = logged;
    this.#batchDelay.logged(commands.length, this.#o.now());
    this.#queue.logged(index, commands);
    this.#tracer.logged(index, commands);
    const names = [...new Set(commands.map(({ name }) => name))];
    this.#act((now) => this.#feed.logged(index, bytes, names, now));
    return true;
  }

  /** Null if the log takes nothing now; then it is tried again, unless the lead is lost. */
  #log(
    commands: readonly Command[],
    catalogs?: readonly string[],
  ): { readonly index: LogIndex; readonly bytes: Uint8Array } | null {
    try {
      const times = this.#clock.next(this.#o.now(), this.#o.wallClock());
      const { visibleOrders } = this.#queue;
      const set = catalogs === undefined ? {} : { catalogs };
      const bytes = encodeBatch({ ...times, visibleOrders, commands, seed: null, ...set });
      const { index } = this.#o.node.propose(bytes);
      this.#proposed.push(index);
      this.#toldVisible = visibleOrders;
      this.#isTellDue = false;
      return { index, bytes };
    } catch (error) {
      if (!(error instanceof RaftError)) this.#fail(error);
      // Refused for load or during a leadership transfer, which may yet be given up; losing the lead closes the session.
      else this.#retryFlush();
      return null;
    }
  }

  #delaysBatch(): boolean {
    const patience = this.#batchDelay.patience(this.#queue.queued, this.#o.now());
    if (patience === 0) return false;
    if (this.#isDelayTimed) return true;
    this.#isDelayTimed = true;
    this.#after(Math.ceil(patience), () => {
      this.#isDelayTimed = false;
      this.#flushSoon();
    });
    return true;
  }

  #retryFlush(): void {
    this.#isRetryTimed = true;
    this.#after(RETRY_MS, () => {
      this.#isRetryTimed = false;
      this.#flushSoon();
    });
  }

  /** Nobody keeps these timers: they are short, and one that fires after the close does nothing. */
  #after(ms: number, callback: () => void): void {
    setTimeout(() => this.#ifOpen(callback), ms);
  }

  #ifOpen(callback: () => void): void {
    if (this.#isOpen) callback();
  }
}

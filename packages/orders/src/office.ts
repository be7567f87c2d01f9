/**
 * Everything that a replica does because it leads: takes orders to the log, tells the catalog of them once they are decided, and
 * answers once no cache shows anything older. Joins the rules of desk and feed with the node, the link to the catalog and timers.
 * Opened when the replica begins to lead, closed when it stops.
 */
import { RaftError, type LogIndex, type Term } from '@trireme/raft';
import { FormatError, assertRule, encodeBatch, type Command, type Order } from '@trireme/domain';
import { workAtTurnEnd, type Link, type Log } from '@trireme/service';
import { snapshotFrames } from './catalog-snapshot.js';
import type { Book } from './rules/book.js';
import { CatalogFeed, type FeedAction } from './rules/catalog-feed.js';
import { Company } from './rules/company.js';
import { Desk, type Answer, type Waiter } from './rules/desk.js';
import { parseCatalogFrame } from './rules/frames.js';
import { KnownCommands } from './rules/known.js';
import { LogClock } from './rules/log-clock.js';
import { ReadWaits } from './rules/read-waits.js';
import type { DecidedBatch } from './rules/state.js';
import type { BookMachine } from './machine.js';
import type { BookStore } from './store.js';
import { Tracer } from './tracer.js';

/** What the office needs of a Raft node. */
export interface Proposer {
  propose(data: Uint8Array): { readonly index: LogIndex; readonly term: Term };
  read(): Promise<LogIndex>;
}

/** Steps of an order's path that an observer may want to see as they happen. */
export type OrderStep = 'decided' | 'sent' | 'revoked' | 'answered';

interface OfficeOptions {
  readonly node: Proposer;
  readonly book: Book;
  readonly store: BookStore;
  readonly machine: BookMachine;
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
/** Items of reads that wait for the store, at most. */
const WAITING_ITEMS_MAX = 100_000;

export class Office {
  readonly #o: OfficeOptions;
  readonly #desk: Desk;
  readonly #feed: CatalogFeed;
  readonly #tracer: Tracer;
  readonly #company = new Company();
  readonly #clock: LogClock;
  readonly #waits = new ReadWaits(WAITING_ITEMS_MAX);
  /** Log indexes of own proposals that are not yet committed, in order. */
  readonly #proposed: number[] = [];
  /** How many orders are visible, as the log was told last. */
  #toldVisible: number;
  #catalog: Link | null = null;
  #isFlushDue = false;
  #isTellTimed = false;
  #isTellDue = false;
  #isCompanyTimed = false;
  #isRetryTimed = false;
  #isOpen = true;

  constructor(options: OfficeOptions, catalog: Link | null) {
    this.#o = options;
    const { book, store, machine } = options;
    // What the desk does not know of a key it reads from the store, which must not be behind the rules then.
    assertRule(machine.isStored, 'an office opens while the book is being written');
    const known = new KnownCommands(store);
    this.#desk = new Desk(book.meta, (key) => known.find(key));
    this.#feed = new CatalogFeed({ index: book.meta.lastIndex, hash: book.meta.hash });
    this.#toldVisible = book.meta.visibleOrders;
    this.#tracer = new Tracer(options.log);
    this.#clock = new LogClock(book.meta, options.now());
    if (catalog !== null) this.catalogOpened(catalog);
  }

  get status(): { open: number; queued: number; catalog: string } {
    const { open, queued } = this.#desk;
    return { open, queued, catalog: this.#feed.phase };
  }

  /** Orders up to this number may be shown to anyone. */
  get visibleOrders(): number {
    return this.#desk.visibleOrders;
  }

  /** @param requestId of the request that brought it, where its client gave one */
  submit(command: Command, waiter: Waiter, requestId: string | null = null): void {
    const { queued } = this.#desk;
    const answer = this.#desk.submit(command, waiter);
    if (requestId !== null) this.#tracer.taken(command.key, requestId, this.#desk.queued > queued);
    if (answer === null) this.#flushSoon();
    else this.#o.answer([answer]);
  }

  /** The link of a front-end is closed: nobody waits on it any more. */
  linkClosed(link: number): void {
    this.#desk.forget(link);
  }

  /** Entries up to log index `index` were applied, with these batches among them: all of this office. */
  applied(index: LogIndex, decided: readonly DecidedBatch[]): void {
    this.#act(() => {
      const actions: FeedAction[] = [];
      for (const batch of decided) {
        this.#tracer.decided(batch.index);
        this.#desk.decided(batch);
        actions.push(...this.#feed.decided(batch));
      }
      return actions;
    });
    if (decided.length > 0) this.#o.onStep('decided');
    if (!this.#isOpen) return;
    while (this.#proposed[0] !== undefined && this.#proposed[0] <= index) this.#proposed.shift();
    // What found no room among the proposals in flight goes now.
    this.#flushWaiting();
    this.#hurry();
  }

  /** The store has everything up to log index `index`. */
  stored(index: LogIndex): void {
    if (!this.#isOpen) return;
    this.#desk.stored(index);
    this.#waits.readableTo(this.#desk.readableIndex);
  }

  /** Order `number`, if it is visible and not in the store yet; null else. */
  order(number: number): Order | null {
    return this.#desk.order(number);
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
        const { toldIndex, readableIndex } = this.#desk;
        this.#waits.wait(toldIndex, readableIndex, items, done);
        this.#hurry();
      },
      () => done(false),
    );
  }

  catalogOpened(link: Link): void {
    this.#catalog = link;
    this.#act(() => this.#feed.linkOpened());
  }

  catalogClosed(): void {
    this.#catalog = null;
    this.#feed.linkClosed();
  }

  /** @throws FormatError if it is not a frame of the catalog's, or answers what was not asked. */
  catalogMessage(message: unknown): void {
    const frame = parseCatalogFrame(message);
    if (frame.t === 'refused') this.#o.log.warn({ frame }, 'the catalog refused an entry; beginning again');
    this.#act(() => this.#feed.received(frame));
  }

  /** This replica leads no more: tells every waiter, and does nothing from now on. */
  close(): void {
    this.#isOpen = false;
    this.#o.answer(this.#desk.close());
    this.#waits.giveUp();
  }

  /** After a broken rule nothing is decided, answered or logged any more: the process stops. */
  #fail(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#o.fatal(error);
  }

  #act(advance: () => readonly FeedAction[]): void {
    if (!this.#isOpen) return;
    try {
      for (const action of advance()) this.#do(action);
    } catch (error) {
      if (error instanceof FormatError) throw error;
      this.#fail(error);
    }
  }

  #do(action: FeedAction): void {
    switch (action.do) {
      case 'send':
        this.#catalog?.send(this.#tracer.traced(action.frame));
        if (action.frame.t === 'entry') this.#o.onStep('sent');
        return;
      case 'sendSnapshot': {
        const { meta, stocks } = this.#o.book;
        this.#o.log.info(
          { index: meta.lastIndex, stocks: meta.stocks },
          'sending the stock table to the catalog',
        );
        for (const frame of snapshotFrames(meta, stocks)) this.#catalog?.send(frame);
        return;
      }
      case 'confirm':
        this.#confirm(action.round);
        return;
      case 'revoked': {
        this.#o.onStep('revoked');
        this.#tracer.forgetTo(action.index);
        const answers = this.#desk.visible(action.index);
        this.#o.answer(answers);
        if (answers.length > 0) this.#o.onStep('answered');
        this.#waits.readableTo(this.#desk.readableIndex);
        this.#tellSoon();
        // What found no room among the commands that are not visible goes now.
        this.#flushWaiting();
      }
    }
  }

  #confirm(round: number): void {
    this.#o.node.read().then(
      () => this.#ifOpen(() => this.#act(() => this.#feed.confirmed(round))),
      (error: unknown) => {
        const isRetry = error instanceof RaftError && error.code === 'OVERLOADED';
        // Any other refusal means that the lead is lost, which closes the office.
        if (isRetry) this.#after(RETRY_MS, () => this.#confirm(round));
      },
    );
  }

  /** Tells the other replicas how many orders are visible, unless a batch does so before. */
  #tellSoon(): void {
    if (this.#isTellTimed || this.#desk.visibleOrders <= this.#toldVisible) return;
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
    if (this.#desk.queued > 0 || this.#isTellDue) this.#flushSoon();
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
    if (this.#isRetryTimed || this.#waitsForCompany()) return;
    while (this.#proposed.length < PROPOSALS_IN_FLIGHT_MAX) {
      const commands = this.#desk.takeBatch();
      if (commands === null && !this.#isTellDue) return;
      if (!this.#propose(commands ?? [])) return;
    }
  }

  /** Returns whether the log took them. */
  #propose(commands: readonly Command[]): boolean {
    try {
      const times = this.#clock.next(this.#o.now(), this.#o.wallClock());
      const { visibleOrders } = this.#desk;
      const { index } = this.#o.node.propose(encodeBatch({ ...times, visibleOrders, commands, seed: null }));
      this.#proposed.push(index);
      this.#toldVisible = visibleOrders;
      this.#isTellDue = false;
      if (commands.length === 0) return true;
      this.#company.logged(commands.length, this.#o.now());
      this.#desk.logged(index, commands);
      this.#tracer.logged(index, commands);
      return true;
    } catch (error) {
      this.#desk.notLogged(commands);
      if (!(error instanceof RaftError)) this.#fail(error);
      // Refused for load or during a hand-over, which may yet be given up; losing the lead closes the office.
      else this.#retryFlush();
      return false;
    }
  }

  #waitsForCompany(): boolean {
    const patience = this.#company.patience(this.#desk.queued, this.#o.now());
    if (patience === 0) return false;
    if (this.#isCompanyTimed) return true;
    this.#isCompanyTimed = true;
    this.#after(Math.ceil(patience), () => {
      this.#isCompanyTimed = false;
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

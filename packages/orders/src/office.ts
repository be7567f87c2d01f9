/**
 * Everything that a replica does because it leads: takes orders to the log, has the catalog decide them, answers, and
 * logs the settlements. Joins the desk's and the settler's rules with the node, the link to the catalog and timers.
 * Opened when the replica begins to lead, closed when it stops.
 */
import { RaftError, type LogIndex, type Term } from '@trireme/raft';
import { assertRule, encodeBatch, type Command, type Order } from '@trireme/domain';
import { workAtTurnEnd, type Link, type Log } from '@trireme/service';
import { readEffects } from './effects.js';
import type { Book } from './rules/book.js';
import { Company } from './rules/company.js';
import { Desk, type Answer, type Waiter } from './rules/desk.js';
import { parseCatalogFrame } from './rules/frames.js';
import { KnownCommands } from './rules/known.js';
import { LogClock } from './rules/log-clock.js';
import { SettledWaits } from './rules/reads.js';
import { Settler, type SettlerAction } from './rules/settler.js';
import type { PendingBatch } from './rules/state.js';
import type { BookMachine } from './machine.js';
import type { BookStore } from './store.js';
import { Tracer } from './tracer.js';

/** What the office needs of a Raft node. */
export interface Proposer {
  propose(data: Uint8Array): { readonly index: LogIndex; readonly term: Term };
  read(): Promise<LogIndex>;
}

/** Steps of an order's path that an observer may want to see as they happen. */
export type OrderStep = 'committed' | 'sent' | 'decided' | 'answered' | 'settled';

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
 * A settlement rides on the next batch of orders; only where none comes does it get an entry of its own, after this
 * many milliseconds, or at once when a read waits for it.
 */
const SETTLE_DELAY_MS = 5;
/** Batches that are logged and not yet committed at most: what comes meanwhile makes the next one larger. */
const PROPOSALS_IN_FLIGHT_MAX = 8;
/** Wait before a step that was refused for load is tried again, in milliseconds. */
const RETRY_MS = 20;
/** Items of reads that wait for settlements, at most. */
const WAITING_ITEMS_MAX = 100_000;

/** What an operator can do about a catalog that is ahead of the log. */
const CATALOG_AHEAD =
  'the folders of the replicas are older than that of the catalog, as when only they were restored from a copy, or it is the ' +
  'catalog of another cluster. Where there is a newer copy of the replicas, restore that. To go on with what they hold: stop ' +
  'the catalog, move its folder away, start it; it is rebuilt from its seed file and the order book, and orders that the ' +
  'replicas do not hold are lost';

export class Office {
  readonly #o: OfficeOptions;
  readonly #desk: Desk;
  readonly #settler: Settler;
  readonly #tracer: Tracer;
  readonly #company = new Company();
  readonly #clock: LogClock;
  readonly #waits = new SettledWaits(WAITING_ITEMS_MAX);
  /** Log indexes of own proposals that are not yet committed, in order. */
  readonly #proposed: number[] = [];
  /** Batches logged so far. */
  #logged = 0;
  #catalog: Link | null = null;
  #isFlushDue = false;
  #isSettleTimed = false;
  #isCompanyTimed = false;
  #isRetryTimed = false;
  #isOpen = true;

  constructor(options: OfficeOptions, catalog: Link | null) {
    this.#o = options;
    const { book, store, machine } = options;
    // What the desk does not know of a key it reads from the store, which must not be behind the rules then.
    assertRule(machine.isStored, 'an office opens while the book is being written');
    const known = new KnownCommands(store);
    this.#desk = new Desk(book.meta.orders, book.pending, (key) => known.find(key));
    this.#settler = new Settler(book.meta, book.pending);
    this.#tracer = new Tracer(options.log);
    this.#clock = new LogClock(book.meta, options.now());
    if (catalog !== null) this.catalogOpened(catalog);
  }

  get status(): { open: number; queued: number; unsettled: number; catalog: string } {
    const { open, queued, unsettled } = this.#desk;
    return { open, queued, unsettled, catalog: this.#settler.phase };
  }

  /** @param requestId of the request that brought it, where its client gave one */
  submit(command: Command, waiter: Waiter, requestId: string | null = null): void {
    if (this.#settler.phase === 'ahead') {
      // An index that the catalog has decided for another log must not get an order of this one.
      this.#o.answer([{ link: waiter.link, result: [waiter.id, 'refused', 'busy'] }]);
      return;
    }
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

  /** Entries up to log index `index` are committed; `pending` holds batches of any leader among them. */
  committed(index: LogIndex, pending: readonly PendingBatch[]): void {
    if (pending.length > 0) this.#o.onStep('committed');
    for (const batch of pending) this.#act(() => this.#settler.pending(batch));
    if (!this.#isOpen) return;
    while (this.#proposed[0] !== undefined && this.#proposed[0] <= index) this.#proposed.shift();
    // What found no room among the proposals in flight goes now.
    if (this.#desk.queued > 0 || this.#desk.unsettled > 0) this.#settleSoon();
    this.#hurry();
  }

  /** The store has these batches settled. */
  settled(batches: readonly PendingBatch[]): void {
    if (!this.#isOpen || batches.length === 0) return;
    for (const batch of batches) {
      this.#settler.settled(batch.index);
      this.#desk.settled(batch);
      this.#o.onStep('settled');
    }
    this.#waits.settledTo(this.#o.machine.stored.settledIndex);
  }

  /** Order `number`, if it was filled under this office and is not in the store yet; null else. */
  order(number: number): Order | null {
    return this.#desk.order(number);
  }

  /** Reads wait for settlements to be in the store: it is not to wait for company. */
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
        const { settledIndex } = this.#o.machine.stored;
        this.#waits.wait(this.#desk.toldIndex, settledIndex, items, done);
        // Someone waits: do not hold settlements back for company.
        if (this.#desk.unsettled > 0) this.#settleSoon();
        this.#hurry();
      },
      () => done(false),
    );
  }

  catalogOpened(link: Link): void {
    this.#catalog = link;
    this.#act(() => this.#settler.linkOpened());
  }

  catalogClosed(): void {
    this.#catalog = null;
    this.#settler.linkClosed();
  }

  /** @throws FormatError if it is not a frame of the catalog's. */
  catalogMessage(message: unknown): void {
    const frame = parseCatalogFrame(message);
    if (frame.t === 'refused') this.#o.log.warn({ frame }, 'the catalog refused; beginning again');
    this.#act(() => this.#settler.received(frame));
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

  #act(advance: () => readonly SettlerAction[]): void {
    if (!this.#isOpen) return;
    try {
      for (const action of advance()) this.#do(action);
    } catch (error) {
      this.#fail(error);
    }
  }

  #do(action: SettlerAction): void {
    switch (action.do) {
      case 'send':
        this.#catalog?.send(this.#tracer.traced(action.frame));
        if (action.frame.t === 'decide') this.#o.onStep('sent');
        return;
      case 'confirm':
        this.#confirm(action.round);
        return;
      case 'readEffects':
        void this.#readEffects(action.round, action.after);
        return;
      case 'decided': {
        this.#o.onStep('decided');
        const { batch, outcomes } = action;
        this.#tracer.decided(batch.index);
        const answers = this.#desk.decided(batch, outcomes);
        this.#o.answer(answers);
        if (answers.length > 0) this.#o.onStep('answered');
        this.#settleSoon();
        return;
      }
      case 'catalogAhead': {
        const { decided, logged } = action;
        this.#o.log.error(
          { decided, logged, advice: CATALOG_AHEAD },
          'the catalog has decided more than this log holds: orders and look-ups wait',
        );
      }
    }
  }

  #confirm(round: number): void {
    this.#o.node.read().then(
      () => this.#ifOpen(() => this.#act(() => this.#settler.confirmed(round))),
      (error: unknown) => {
        const isRetry = error instanceof RaftError && error.code === 'OVERLOADED';
        // Any other refusal means that the lead is lost, which closes the office.
        if (isRetry) this.#after(RETRY_MS, () => this.#confirm(round));
      },
    );
  }

  async #readEffects(round: number, after: number): Promise<void> {
    const { store, machine, log } = this.#o;
    try {
      const effects = await readEffects(store, machine.stored, after);
      log.info({ after, index: effects.index, effects: effects.effects.length }, 'replaying to the catalog');
      this.#ifOpen(() => this.#act(() => this.#settler.effectsRead(round, effects)));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Logs at once where orders or reads wait, else after giving orders some time to come along. */
  #settleSoon(): void {
    if (this.#waits.size > 0 || this.#desk.queued > 0) {
      this.#flushSoon();
      return;
    }
    if (this.#isSettleTimed) return;
    this.#isSettleTimed = true;
    const logged = this.#logged;
    this.#after(SETTLE_DELAY_MS, () => {
      this.#isSettleTimed = false;
      // Orders came along meanwhile and took the settlements of then with them; those of now may wait for the next.
      if (this.#logged === logged) this.#flushSoon();
      else if (this.#desk.unsettled > 0) this.#settleSoon();
    });
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
      const batch = this.#desk.takeBatch();
      if (batch === null) return;
      try {
        const times = this.#clock.next(this.#o.now(), this.#o.wallClock());
        const { index } = this.#o.node.propose(encodeBatch({ ...times, ...batch }));
        this.#proposed.push(index);
        this.#logged += 1;
        this.#company.logged(batch.commands.length, this.#o.now());
        this.#desk.logged(index, batch.commands);
        this.#tracer.logged(index, batch.commands);
      } catch (error) {
        this.#desk.notLogged(batch.commands, batch.settlements);
        if (!(error instanceof RaftError)) this.#fail(error);
        // Refused for load or during a hand-over, which may yet be given up; losing the lead closes the office.
        else this.#retryFlush();
        return;
      }
    }
  }

  /** Orders may wait for company, and with them the settlements of others, but no read does. */
  #waitsForCompany(): boolean {
    if (this.#waits.size > 0) return false;
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

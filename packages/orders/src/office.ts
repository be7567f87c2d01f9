/**
 * Everything that a replica does because it leads: takes orders to the log, has the catalog decide them, answers, and
 * logs the settlements. Joins the desk's and the settler's rules with the node, the link to the catalog and timers.
 * Opened when the replica begins to lead, closed when it stops.
 */
import { RaftError, type LogIndex, type Term } from '@trireme/raft';
import { encodeBatch, type Command } from '@trireme/domain';
import type { Link, Log } from '@trireme/service';
import { readEffects } from './effects.js';
import { knownAt, type Book } from './rules/book.js';
import { Desk, type Answer, type Waiter } from './rules/desk.js';
import { parseCatalogFrame } from './rules/frames.js';
import { SettledWaits } from './rules/reads.js';
import { Settler, type SettlerAction } from './rules/settler.js';
import type { KnownCommand, PendingBatch } from './rules/state.js';
import type { BookMachine } from './machine.js';
import type { BookStore } from './store.js';

/** What the office needs of a Raft node. */
export interface Proposer {
  propose(data: Uint8Array): { readonly index: LogIndex; readonly term: Term };
  read(): Promise<LogIndex>;
}

/** Steps of an order's path that an observer may want to see as they happen. */
export type OrderStep = 'committed' | 'sent' | 'decided' | 'answered' | 'settled';

export interface OfficeOptions {
  readonly node: Proposer;
  readonly book: Book;
  readonly store: BookStore;
  readonly machine: BookMachine;
  readonly log: Log;
  readonly answer: (answers: readonly Answer[]) => void;
  readonly fatal: (error: unknown) => void;
  readonly onStep: (step: OrderStep) => void;
}

/**
 * A settlement rides on the next batch of orders; only where none comes does it get an entry of its own, after this
 * many milliseconds, or at once when a read waits for it.
 */
const SETTLE_DELAY_MS = 5;
/** Batches that are logged and not yet applied at most: what comes meanwhile makes the next one larger. */
const PROPOSALS_IN_FLIGHT_MAX = 8;
/** Wait before a step that was refused for load is tried again, in milliseconds. */
const RETRY_MS = 20;
/** Reads that wait for settlements at most. */
const WAITS_MAX = 10_000;

export class Office {
  readonly #o: OfficeOptions;
  readonly #desk: Desk;
  readonly #settler: Settler;
  readonly #waits = new SettledWaits(WAITS_MAX);
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Log indexes of own proposals that are not yet applied, in order. */
  readonly #proposed: number[] = [];
  #catalog: Link | null = null;
  #isFlushDue = false;
  #isSettleTimed = false;
  #isOpen = true;

  constructor(options: OfficeOptions, catalog: Link | null) {
    this.#o = options;
    const { book, machine } = options;
    this.#desk = new Desk(book.meta.orders, book.pending, (key) => this.#find(key));
    this.#settler = new Settler(machine.stored.settledIndex, book.pending);
    if (catalog !== null) this.catalogOpened(catalog);
  }

  get status(): object {
    const { open, queued, unsettled } = this.#desk;
    return { open, queued, unsettled, catalog: this.#settler.phase };
  }

  submit(command: Command, waiter: Waiter): void {
    const answer = this.#desk.submit(command, waiter);
    if (answer === null) this.#flushSoon();
    else this.#o.answer([answer]);
  }

  /** Batches of any leader that were committed. */
  pending(batches: readonly PendingBatch[]): void {
    if (batches.length > 0) this.#o.onStep('committed');
    for (const batch of batches) this.#act(this.#settler.pending(batch));
  }

  applied(index: LogIndex, settled: readonly PendingBatch[]): void {
    while (this.#proposed[0] !== undefined && this.#proposed[0] <= index) this.#proposed.shift();
    for (const batch of settled) {
      this.#settler.settled(batch.index);
      this.#desk.settled(batch);
    }
    if (settled.length > 0) {
      this.#waits.settledTo(this.#o.machine.stored.settledIndex);
      this.#o.onStep('settled');
    }
    if (this.#desk.queued > 0) this.#flushSoon();
  }

  /**
   * Calls `done(true)` once the store holds every order that a client may have been told of before this call, as of a
   * read confirmed by the majority; `done(false)` if this replica cannot say so now.
   */
  whenComplete(done: (complete: boolean) => void): void {
    this.#o.node.read().then(
      () => {
        if (!this.#isOpen) {
          done(false);
          return;
        }
        const { book, machine } = this.#o;
        this.#waits.wait(book.lastBatchIndex, machine.stored.settledIndex, done);
        // Someone waits: do not hold settlements back for company.
        if (this.#desk.unsettled > 0) this.#flushSoon();
      },
      () => done(false),
    );
  }

  catalogOpened(link: Link): void {
    this.#catalog = link;
    this.#act(this.#settler.linkOpened());
  }

  catalogClosed(): void {
    this.#catalog = null;
    this.#settler.linkClosed();
  }

  /** @throws FormatError if it is not a frame of the catalog's. */
  catalogMessage(message: unknown): void {
    const frame = parseCatalogFrame(message);
    if (frame.t === 'refused') this.#o.log.warn({ frame }, 'the catalog refused; beginning again');
    this.#act(this.#settler.received(frame));
  }

  /** This replica leads no more: tells every waiter, and does nothing from now on. */
  close(): void {
    this.#isOpen = false;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#o.answer(this.#desk.close());
    this.#waits.giveUp();
  }

  #act(actions: readonly SettlerAction[]): void {
    try {
      for (const action of actions) this.#do(action);
    } catch (error) {
      this.#o.fatal(error);
    }
  }

  #do(action: SettlerAction): void {
    switch (action.do) {
      case 'send':
        this.#catalog?.send(action.frame);
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
        const answers = this.#desk.decided(action.index, action.outcomes);
        this.#o.answer(answers);
        if (answers.length > 0) this.#o.onStep('answered');
        this.#settleSoon();
        return;
      }
    }
  }

  #confirm(round: number): void {
    this.#o.node.read().then(
      () => this.#ifOpen(() => this.#act(this.#settler.confirmed(round))),
      (error: unknown) => {
        const isRetry = error instanceof RaftError && error.code === 'OVERLOADED';
        if (isRetry) this.#after(RETRY_MS, () => this.#confirm(round));
      },
    );
  }

  async #readEffects(round: number, after: number): Promise<void> {
    const { store, machine, log, fatal } = this.#o;
    try {
      const effects = await readEffects(store, machine.stored, after);
      log.info({ after, index: effects.index, effects: effects.effects.length }, 'replaying to the catalog');
      this.#ifOpen(() => this.#act(this.#settler.effectsRead(round, effects)));
    } catch (error) {
      fatal(error);
    }
  }

  #find(key: string): KnownCommand | null {
    const { store } = this.#o;
    const place = store.place(key);
    if (place === null) return null;
    const batch = store.batch(place.seq);
    const kept = store.outcomes(place.seq);
    if (batch === null || kept === null)
      throw new RaftError('LOG_DAMAGED', `key ${key} stands in a batch that is gone`);
    return knownAt(batch, kept, place.position);
  }

  #settleSoon(): void {
    if (this.#waits.size > 0 || this.#desk.queued > 0) {
      this.#flushSoon();
      return;
    }
    if (this.#isSettleTimed) return;
    this.#isSettleTimed = true;
    this.#after(SETTLE_DELAY_MS, () => {
      this.#isSettleTimed = false;
      this.#flushSoon();
    });
  }

  /** Logs what has gathered at the end of this turn of the event loop. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.#ifOpen(() => this.#flush());
    });
  }

  #flush(): void {
    while (this.#proposed.length < PROPOSALS_IN_FLIGHT_MAX) {
      const batch = this.#desk.takeBatch();
      if (batch === null) return;
      try {
        const { index } = this.#o.node.propose(encodeBatch({ time: Date.now(), ...batch }));
        this.#proposed.push(index);
        this.#desk.logged(index, batch.commands);
      } catch (error) {
        this.#desk.notLogged(batch.commands, batch.settlements);
        if (!(error instanceof RaftError)) this.#o.fatal(error);
        // Refused for load or during a hand-over, which may yet be given up; losing the lead closes the office.
        else this.#after(RETRY_MS, () => this.#flushSoon());
        return;
      }
    }
  }

  #after(ms: number, callback: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#ifOpen(callback);
    }, ms);
    this.#timers.add(timer);
  }

  #ifOpen(callback: () => void): void {
    if (this.#isOpen) callback();
  }
}

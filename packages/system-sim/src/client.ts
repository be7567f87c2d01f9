/**
 * A client: sends one request at a time to any front-end. It retries a request without an answer with the same
 * key, possibly at another front-end. It buys, sells, restocks, lists and looks up stocks, and reads and lists
 * orders.
 */
import type { Command } from '@trireme/domain';
import type { FinalResult, NoResultReason } from '@trireme/frontend/simulation';
import { MS, SECOND, type Micros, type Random, type Scheduler } from '@trireme/raft-sim';
import type { DecisionRecord } from './checks/ledger.js';
import type { ClientRequest, ClientObservations } from './checks/client-observations.js';
import type { SystemTrace } from './engine/system-trace.js';
import type { SimulatedFrontend } from './hosts/frontend-host.js';

/** What a client needs of the simulation. */
export interface ClientContext {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: SystemTrace;
  readonly frontends: readonly SimulatedFrontend[];
  readonly sightings: ClientObservations;
  readonly ledger: DecisionRecord;
  /** Page size of the stock lists that clients request. */
  readonly stocksLimit: number;
  readonly isLivenessPhase: boolean;
  violate(check: string, what: string): void;
  drawName(random: Random): string;
  /** A client saw a change of a stock; `order` is the order number if an order made it. */
  notifyOthers(name: string, order: number | null, by: StoreClient): void;
}

interface ClientSettings {
  readonly name: string;
  readonly thinkMean: Micros;
  /** Share of the requests that are commands. */
  readonly commandShare: number;
  /** Timeout of an attempt, after which the client retries, possibly at another front-end. */
  readonly attemptMax: Micros;
}

const TRAVEL_MEAN: Micros = 200;
/** Mean time before a retry after a refused connection or a failed request. */
const BACKOFF_MEAN: Micros = 60 * MS;
const ANSWER_LOSS = 0.01;
/** Time after which a client gives up a request, whose outcome it never learns. */
const REQUEST_TIMEOUT: Micros = 8 * SECOND;
/** Maximum number of earlier commands that the client may repeat with their keys. */
const REMEMBERED_MAX = 20;
const PAGE_ORDERS = 100;

type Attempt<Result> = (frontend: SimulatedFrontend, reply: (result: Result) => void) => void;

export class StoreClient {
  readonly #simulation: ClientContext;
  readonly #settings: ClientSettings;
  readonly #random: Random;
  #count = 0;
  #open: { readonly request: ClientRequest; readonly command: Command; readonly isRepeated: boolean } | null =
    null;
  readonly #decided: { readonly command: Command; readonly result: FinalResult }[] = [];
  /** Number of the current request, so that late answers to earlier requests are ignored. */
  #turn = 0;
  /** Number of answered requests. */
  answered = 0;
  /**
   * Whether the client waits before its next request, so that it may send one at once when another client sees
   * a change.
   */
  isIdle = true;

  constructor(simulation: ClientContext, settings: ClientSettings) {
    this.#simulation = simulation;
    this.#settings = settings;
    this.#random = simulation.random.fork();
  }

  get name(): string {
    return this.#settings.name;
  }

  start(): void {
    const turn = ++this.#turn;
    this.isIdle = true;
    this.#simulation.scheduler.after(this.#random.exponential(this.#settings.thinkMean), () => {
      if (this.#turn === turn) this.#begin();
    });
  }

  /** Another client saw a change of this stock. Reads at once, because a stale answer is most likely now. */
  onStockChanged(name: string, order: number | null): void {
    if (!this.isIdle) return;
    this.#turn += 1;
    if (order !== null && this.#random.chance(0.4)) this.#readOrder(order);
    else this.#lookUp(name);
  }

  /** A new leader was elected. Reads an order at once, because a stale answer is most likely now. */
  onLeaderElected(): void {
    if (!this.isIdle) return;
    this.#turn += 1;
    this.#readOrder(this.#drawNumber());
  }

  /** Ends the run: the request in progress has no answer. */
  finish(): void {
    if (this.#open !== null && !this.#open.isRepeated)
      this.#simulation.sightings.onUnknownOutcome(this.#open.request, this.#open.command);
    this.#open = null;
  }

  #begin(): void {
    const random = this.#random;
    const { commandShare } = this.#settings;
    if (random.chance(commandShare)) {
      const used = this.#decided.length > 0 && random.chance(0.02) ? random.pick(this.#decided) : null;
      if (used !== null && used.command.kind !== 'list') {
        this.#reuse({ ...used.command, quantity: used.command.quantity + 1 });
        return;
      }
      const again = this.#decided.length > 0 && random.chance(0.08) ? random.pick(this.#decided) : null;
      this.#command(again?.command ?? this.#draw(), again?.result ?? null);
      return;
    }
    const what = random.below(20);
    if (what < 13) this.#lookUp(this.#simulation.drawName(random));
    else if (what < 17) this.#readOrder(this.#drawNumber());
    else if (what < 19) this.#listOrders();
    else this.#listStocks();
  }

  #draw(): Command {
    const random = this.#random;
    this.#count += 1;
    const key = `${this.name}-${this.#count}`;
    const name = this.#simulation.drawName(random);
    const quantity = random.between(1, 4);
    const dice = random.below(40);
    if (dice === 0) return { kind: 'list', key, name, price: random.between(1, 9) * 100 };
    if (dice < 3) return { kind: 'restock', key, name, quantity };
    return { kind: random.pick(['buy', 'buy', 'sell'] as const), key, name, quantity };
  }

  #command(command: Command, before: FinalResult | null): void {
    const simulation = this.#simulation;
    const request = simulation.sightings.request(this.name);
    const isRepeated = before !== null;
    this.#open = { request, command, isRepeated };
    this.#note(() => `${isRepeated ? 'repeated ' : ''}${JSON.stringify(command)}`);
    let asked = 0;
    let refused = 0;
    this.#attempt<FinalResult | NoResultReason>(
      request,
      (frontend, reply) => {
        asked += 1;
        frontend.submit(command, reply);
      },
      (result) => {
        if (result === 'noEffect') {
          refused += 1;
          if (isRepeated || asked > refused || !this.#random.chance(0.3)) return false;
          simulation.sightings.onRefused(request, command);
          this.#open = null;
          return true;
        }
        // The same key allows a retry.
        if (result === 'unknown') return false;
        this.#open = null;
        simulation.sightings.onResult(request, command, result, isRepeated);
        if (!isRepeated) this.#remember(command, result);
        if (!isRepeated && result[1] !== 'rejected')
          simulation.notifyOthers(command.name, result[1] === 'filled' ? result[2] : null, this);
        return true;
      },
      () => {
        if (this.#open !== null && !isRepeated) simulation.sightings.onUnknownOutcome(request, command);
        this.#open = null;
      },
    );
  }

  /** Sends a key that was used before with another command. */
  #reuse(command: Command): void {
    const simulation = this.#simulation;
    const request = simulation.sightings.request(this.name);
    this.#attempt<FinalResult | NoResultReason>(
      request,
      (frontend, reply) => frontend.submit(command, reply),
      (result) => {
        if (typeof result === 'string') return false;
        simulation.sightings.onKeyReused(request, command, result);
        return true;
      },
    );
  }

  #remember(command: Command, result: FinalResult): void {
    this.#decided.push({ command, result });
    if (this.#decided.length > REMEMBERED_MAX) this.#decided.splice(this.#random.below(REMEMBERED_MAX), 1);
  }

  #lookUp(name: string): void {
    const simulation = this.#simulation;
    const request = simulation.sightings.request(this.name);
    this.#attempt<Parameters<Parameters<SimulatedFrontend['lookUp']>[1]>[0]>(
      request,
      (frontend, reply) => frontend.lookUp(name, reply),
      (result) => {
        if (result === 'failed') return false;
        simulation.sightings.onStock(request, name, result);
        return true;
      },
    );
  }

  /** Draws the number of a recent order, or of the next one. */
  #drawNumber(): number {
    return Math.max(1, this.#simulation.ledger.orders.length + 1 - this.#random.exponential(3));
  }

  #readOrder(number: number): void {
    const simulation = this.#simulation;
    const request = simulation.sightings.request(this.name);
    this.#attempt<Parameters<Parameters<SimulatedFrontend['readOrder']>[1]>[0]>(
      request,
      (frontend, reply) => frontend.readOrder(number, reply),
      (result) => {
        if (result === 'failed') return false;
        simulation.sightings.onOrder(request, number, result);
        if (result !== null) simulation.notifyOthers(result.name, number, this);
        return true;
      },
    );
  }

  #listOrders(): void {
    const simulation = this.#simulation;
    const request = simulation.sightings.request(this.name);
    const after = Math.max(0, simulation.ledger.orders.length - this.#random.below(PAGE_ORDERS / 2));
    this.#attempt<Parameters<Parameters<SimulatedFrontend['listOrders']>[2]>[0]>(
      request,
      (frontend, reply) => frontend.listOrders(after, PAGE_ORDERS, reply),
      (result) => {
        if (result === 'failed') return false;
        simulation.sightings.onOrderList(request, after, result.orders, result.next);
        return true;
      },
    );
  }

  #listStocks(): void {
    const simulation = this.#simulation;
    const request = simulation.sightings.request(this.name);
    this.#attempt<Parameters<Parameters<SimulatedFrontend['listStocks']>[1]>[0]>(
      request,
      (frontend, reply) => frontend.listStocks(simulation.stocksLimit, reply),
      (result) => {
        if (result === 'failed') return false;
        simulation.sightings.onStockList(request, result, simulation.stocksLimit);
        return true;
      },
    );
  }

  /**
   * Sends a request until it has an answer, the client gives up, or another request begins.
   * @param take handles a result; returns false if the request has to be retried
   */
  #attempt<Result>(
    request: ClientRequest,
    ask: Attempt<Result>,
    take: (result: Result) => boolean,
    giveUp: () => void = () => undefined,
  ): void {
    const turn = ++this.#turn;
    this.isIdle = false;
    const { scheduler } = this.#simulation;
    const random = this.#random;
    const tryAgain = (): void => {
      if (this.#turn !== turn) return;
      if (scheduler.now - request.at > REQUEST_TIMEOUT) {
        giveUp();
        this.start();
        return;
      }
      let isOver = false;
      const again = (delay: Micros): void => {
        if (isOver) return;
        isOver = true;
        scheduler.after(delay, tryAgain);
      };
      const frontend = random.pick(this.#simulation.frontends);
      scheduler.after(random.exponential(TRAVEL_MEAN), () => {
        if (!frontend.isUp) {
          again(random.exponential(BACKOFF_MEAN));
          return;
        }
        const { instance } = frontend;
        ask(frontend, (result) => {
          if (random.chance(ANSWER_LOSS) && !this.#simulation.isLivenessPhase) return;
          scheduler.after(random.exponential(TRAVEL_MEAN), () => {
            if (isOver || this.#turn !== turn) return;
            if (!take(result)) {
              again(random.exponential(BACKOFF_MEAN));
              return;
            }
            isOver = true;
            this.answered += 1;
            this.#note(() => `answered by ${frontend.name}: ${JSON.stringify(result)}`);
            this.start();
          });
        });
        frontend.onEnd(instance, () => again(random.exponential(BACKOFF_MEAN)));
      });
      scheduler.after(this.#settings.attemptMax, () => again(0));
    };
    tryAgain();
  }

  #note(text: () => string): void {
    this.#simulation.trace.note('client', this.name, this.#turn, this.answered, text);
  }
}

/**
 * A client of the shop: one request at a time, at any front-end. A request without an answer is made again with the same key, at
 * another front-end perhaps. It buys, sells, lists, restocks, looks up stocks, and reads and lists orders.
 */
import type { Command } from '@trireme/domain';
import type { Decided, Undecided } from '@trireme/frontend/simulation';
import { MS, SECOND, type Micros, type Random, type Scheduler } from '@trireme/raft/sim';
import type { Ledger } from './checks/ledger.js';
import type { Request, Sightings } from './checks/sightings.js';
import type { SystemTrace } from './engine/system-trace.js';
import type { FrontendHost } from './hosts/frontend-host.js';

/** What a client knows of the system. */
export interface Shop {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly trace: SystemTrace;
  readonly frontends: readonly FrontendHost[];
  readonly sightings: Sightings;
  readonly ledger: Ledger;
  /** Stocks in a list that clients ask for. */
  readonly stocksLimit: number;
  readonly areFaultsOver: boolean;
  violate(check: string, what: string): void;
  drawName(random: Random): string;
  /** A client learned of a change of a stock, by the order of that number if it was an order. */
  nudge(name: string, order: number | null, by: Client): void;
}

interface ClientSettings {
  readonly name: string;
  readonly thinkMean: Micros;
  /** Share of the requests that are commands. */
  readonly commandShare: number;
  /** An attempt that takes longer is made again, at another front-end perhaps. */
  readonly attemptMax: Micros;
}

const TRAVEL_MEAN: Micros = 200;
/** A front-end that is down refuses at once; one in trouble is asked again after a while. */
const BACKOFF_MEAN: Micros = 60 * MS;
const ANSWER_LOSS = 0.01;
/** After so long a client asks for something else, and never learns what became of this. */
const PATIENCE: Micros = 8 * SECOND;
/** Commands of earlier, to be asked for again with their keys. */
const REMEMBERED_MAX = 20;
const PAGE_ORDERS = 100;

type Attempt<Result> = (frontend: FrontendHost, reply: (result: Result) => void) => void;

export class Client {
  readonly #world: Shop;
  readonly #settings: ClientSettings;
  readonly #random: Random;
  #count = 0;
  #open: { readonly request: Request; readonly command: Command; readonly isRepeated: boolean } | null = null;
  readonly #decided: { readonly command: Command; readonly result: Decided }[] = [];
  /** Counts requests, so that late answers to those that were given up are not heard. */
  #turn = 0;
  /** Requests that were answered. */
  answered = 0;
  /** Begins a request at once when somebody's command was answered: that is when something old may be shown. */
  isIdle = true;

  constructor(world: Shop, settings: ClientSettings) {
    this.#world = world;
    this.#settings = settings;
    this.#random = world.random.fork();
  }

  get name(): string {
    return this.#settings.name;
  }

  start(): void {
    const turn = ++this.#turn;
    this.isIdle = true;
    this.#world.scheduler.after(this.#random.exponential(this.#settings.thinkMean), () => {
      if (this.#turn === turn) this.#begin();
    });
  }

  /** Another client learned of a change of this stock: what others show now must not be older. */
  nudge(name: string, order: number | null): void {
    if (!this.isIdle) return;
    this.#turn += 1;
    if (order !== null && this.#random.chance(0.4)) this.#readOrder(order);
    else this.#lookUp(name);
  }

  /** Another leader begins: what it shows, and what others still show, is looked at. */
  probe(): void {
    if (!this.isIdle) return;
    this.#turn += 1;
    this.#readOrder(this.#drawNumber());
  }

  /** A run ends: what waits has no answer. */
  finish(): void {
    if (this.#open !== null && !this.#open.isRepeated)
      this.#world.sightings.unknown(this.#open.request, this.#open.command);
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
    if (what < 13) this.#lookUp(this.#world.drawName(random));
    else if (what < 17) this.#readOrder(this.#drawNumber());
    else if (what < 19) this.#listOrders();
    else this.#listStocks();
  }

  #draw(): Command {
    const random = this.#random;
    this.#count += 1;
    const key = `${this.name}-${this.#count}`;
    const name = this.#world.drawName(random);
    const quantity = random.between(1, 4);
    const dice = random.below(40);
    if (dice === 0) return { kind: 'list', key, name, price: random.between(1, 9) * 100 };
    if (dice < 3) return { kind: 'restock', key, name, quantity };
    return { kind: random.pick(['buy', 'buy', 'sell'] as const), key, name, quantity };
  }

  #command(command: Command, before: Decided | null): void {
    const world = this.#world;
    const request = world.sightings.request(this.name);
    const isRepeated = before !== null;
    this.#open = { request, command, isRepeated };
    this.#note(() => `${isRepeated ? 'again ' : ''}${JSON.stringify(command)}`);
    let asked = 0;
    let refused = 0;
    this.#attempt<Decided | Undecided>(
      request,
      (frontend, reply) => {
        asked += 1;
        frontend.submit(command, reply);
      },
      (result) => {
        if (result === 'noEffect') {
          refused += 1;
          if (isRepeated || asked > refused || !this.#random.chance(0.3)) return false;
          world.sightings.withoutEffect(request, command);
          this.#open = null;
          return true;
        }
        // With the same key it may be asked for again.
        if (result === 'unknown') return false;
        this.#open = null;
        world.sightings.decided(request, command, result, isRepeated);
        if (!isRepeated) this.#remember(command, result);
        if (!isRepeated && result[1] !== 'rejected') world.nudge(command.name, result[1] === 'filled' ? result[2] : null, this);
        return true;
      },
      () => {
        if (this.#open !== null && !isRepeated) world.sightings.unknown(request, command);
        this.#open = null;
      },
    );
  }

  /** A key that was used before comes with another command. */
  #reuse(command: Command): void {
    const world = this.#world;
    const request = world.sightings.request(this.name);
    this.#attempt<Decided | Undecided>(
      request,
      (frontend, reply) => frontend.submit(command, reply),
      (result) => {
        if (typeof result === 'string') return false;
        world.sightings.reused(request, command, result);
        return true;
      },
    );
  }

  #remember(command: Command, result: Decided): void {
    this.#decided.push({ command, result });
    if (this.#decided.length > REMEMBERED_MAX) this.#decided.splice(this.#random.below(REMEMBERED_MAX), 1);
  }

  #lookUp(name: string): void {
    const world = this.#world;
    const request = world.sightings.request(this.name);
    this.#attempt<Parameters<Parameters<FrontendHost['lookUp']>[1]>[0]>(
      request,
      (frontend, reply) => frontend.lookUp(name, reply),
      (result) => {
        if (result === 'failed') return false;
        world.sightings.stock(request, name, result);
        return true;
      },
    );
  }

  /** Mostly the number of one of the last orders, or the next one. */
  #drawNumber(): number {
    return Math.max(1, this.#world.ledger.orders.length + 1 - this.#random.exponential(3));
  }

  #readOrder(number: number): void {
    const world = this.#world;
    const request = world.sightings.request(this.name);
    this.#attempt<Parameters<Parameters<FrontendHost['readOrder']>[1]>[0]>(
      request,
      (frontend, reply) => frontend.readOrder(number, reply),
      (result) => {
        if (result === 'failed') return false;
        world.sightings.order(request, number, result);
        if (result !== null) world.nudge(result.name, number, this);
        return true;
      },
    );
  }

  #listOrders(): void {
    const world = this.#world;
    const request = world.sightings.request(this.name);
    const after = Math.max(0, world.ledger.orders.length - this.#random.below(PAGE_ORDERS / 2));
    this.#attempt<Parameters<Parameters<FrontendHost['listOrders']>[2]>[0]>(
      request,
      (frontend, reply) => frontend.listOrders(after, PAGE_ORDERS, reply),
      (result) => {
        if (result === 'failed') return false;
        world.sightings.orders(request, after, result.orders, result.next);
        return true;
      },
    );
  }

  #listStocks(): void {
    const world = this.#world;
    const request = world.sightings.request(this.name);
    this.#attempt<Parameters<Parameters<FrontendHost['listStocks']>[1]>[0]>(
      request,
      (frontend, reply) => frontend.listStocks(world.stocksLimit, reply),
      (result) => {
        if (result === 'failed') return false;
        world.sightings.stocks(request, result, world.stocksLimit);
        return true;
      },
    );
  }

  /** @param take returns whether the result is an answer */
  #attempt<Result>(
    request: Request,
    ask: Attempt<Result>,
    take: (result: Result) => boolean,
    giveUp: () => void = () => undefined,
  ): void {
    const turn = ++this.#turn;
    this.isIdle = false;
    const { scheduler } = this.#world;
    const random = this.#random;
    const tryAgain = (): void => {
      if (this.#turn !== turn) return;
      if (scheduler.now - request.at > PATIENCE) {
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
      const frontend = random.pick(this.#world.frontends);
      scheduler.after(random.exponential(TRAVEL_MEAN), () => {
        if (!frontend.isUp) {
          again(random.exponential(BACKOFF_MEAN));
          return;
        }
        const { life } = frontend;
        ask(frontend, (result) => {
          if (random.chance(ANSWER_LOSS) && !this.#world.areFaultsOver) return;
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
        frontend.onEnd(life, () => again(random.exponential(BACKOFF_MEAN)));
      });
      scheduler.after(this.#settings.attemptMax, () => again(0));
    };
    tryAgain();
  }

  #note(text: () => string): void {
    this.#world.trace.note('client', this.name, this.#turn, this.answered, text);
  }
}

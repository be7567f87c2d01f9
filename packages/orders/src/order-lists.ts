/**
 * Pages of orders for front-ends, one after another. A list examines a bounded number of orders, and all lists together take a
 * share of the event loop: who asks for many waits, and orders do not.
 */
import type { OrderWire } from '@trireme/domain';
import type { Link } from '@trireme/service';
import { send } from './frontends.js';
import type { BookMachine } from './machine.js';
import type { LeaderSession } from './leader-session.js';
import { orderWire, shownOrders } from './reads.js';
import type { FrontendFrame } from './rules/frames.js';
import type { Pacer } from './scan-pacer.js';

type ListFrame = Extract<FrontendFrame, { t: 'list' }>;

interface Waiting {
  readonly link: Link;
  readonly frame: ListFrame;
}

interface OrderListsOptions {
  /** The book, null before it is open. */
  readonly machine: () => BookMachine | null;
  /** Null while this replica does not lead. */
  readonly session: () => LeaderSession | null;
  readonly pacer: Pacer;
  readonly fatal: (error: unknown) => void;
}

/** Orders that one list examines at most: what is of another stock makes its page short. */
export const LIST_ORDERS_MAX = 4096;
/** Lists that wait, beside those that are being read, at most; a further one is refused as busy. */
export const WAITING_LISTS_MAX = 256;

export class OrderLists {
  readonly #o: OrderListsOptions;
  #waiting: Waiting[] = [];
  #isReading = false;

  constructor(options: OrderListsOptions) {
    this.#o = options;
  }

  list(link: Link, frame: ListFrame): void {
    if (this.#waiting.length >= WAITING_LISTS_MAX) {
      send(link, { t: 'pageRefused', id: frame.id, why: 'busy' });
      return;
    }
    this.#waiting.push({ link, frame });
    if (!this.#isReading) this.#read().catch((error: unknown) => this.#o.fatal(error));
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    while (this.#waiting.length > 0) {
      const lists = this.#waiting;
      this.#waiting = [];
      const end = await this.#end(lists.length);
      for (const { link, frame } of lists) {
        if (link.closed) continue;
        if (typeof end === 'number') await this.#page(link, frame, end);
        else send(link, { t: 'pageRefused', id: frame.id, why: end });
      }
    }
    this.#isReading = false;
  }

  /**
   * The number of the last order for lists that wait now: the book has every order that anybody was told of. Or why they cannot
   * be read. It holds for their pages whatever happens meanwhile: who leads no more knows of fewer orders that may be shown.
   */
  async #end(lists: number): Promise<number | 'notLeader' | 'busy'> {
    const session = this.#o.session();
    const machine = this.#o.machine();
    if (session === null || machine === null) return 'notLeader';
    return new Promise((resolve) => {
      session.whenComplete(lists, (isComplete) =>
        resolve(isComplete ? shownOrders(machine, session) : 'busy'),
      );
    });
  }

  async #page(link: Link, { id, after, limit, name }: ListFrame, last: number): Promise<void> {
    const { pacer } = this.#o;
    const machine = this.#o.machine();
    const end = Math.min(last, after + (name === null ? limit : LIST_ORDERS_MAX));
    const orders: OrderWire[] = [];
    let upTo = after;
    if (machine !== null) {
      for await (const slice of machine.store.orderSlices(after, end, name)) {
        await pacer.turn();
        pacer.measure(() => {
          for (const order of slice.orders()) if (orders.length < limit) orders.push(orderWire(order));
        });
        upTo = orders.length === limit ? (orders.at(-1)?.[0] ?? slice.upTo) : slice.upTo;
        if (orders.length === limit) break;
      }
    }
    pacer.measure(() => send(link, { t: 'page', id, orders, next: upTo < last ? upTo : null }));
  }
}

/**
 * Pages of orders for front-ends, read one after another. A list examines a bounded number of orders, and all
 * lists together get a bounded share of the event loop, so that many lists delay each other but not orders.
 */
import type { OrderWire } from '@trireme/domain';
import type { Link } from '@trireme/service';
import { sendToFrontend } from './frontends.js';
import type { BookStateMachine } from '../book/machine.js';
import type { LeaderSession } from '../leader/session.js';
import { orderToWire, readableOrders } from './order-reads.js';
import type { FrontendFrame } from '../rules/frames.js';
import type { Pacer } from './scan-pacer.js';

type ListFrame = Extract<FrontendFrame, { t: 'list' }>;

interface WaitingList {
  readonly link: Link;
  readonly frame: ListFrame;
}

interface OrderListsOptions {
  readonly machine: BookStateMachine;
  /** Null while this replica does not lead. */
  readonly session: () => LeaderSession | null;
  readonly pacer: Pacer;
  readonly fatal: (error: unknown) => void;
}

/** Maximum number of orders that one list examines; orders of other stocks make its page short. */
export const LIST_ORDERS_MAX = 4096;
/** Maximum number of waiting lists, besides those being read; further ones are refused as busy. */
export const WAITING_LISTS_MAX = 256;

export class OrderLists {
  readonly #options: OrderListsOptions;
  #waiting: WaitingList[] = [];
  #isReading = false;

  constructor(options: OrderListsOptions) {
    this.#options = options;
  }

  list(link: Link, frame: ListFrame): void {
    if (this.#waiting.length >= WAITING_LISTS_MAX) {
      sendToFrontend(link, { t: 'pageRefused', id: frame.id, why: 'busy' });
      return;
    }
    this.#waiting.push({ link, frame });
    if (!this.#isReading) this.#read().catch((error: unknown) => this.#options.fatal(error));
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    while (this.#waiting.length > 0) {
      const lists = this.#waiting;
      this.#waiting = [];
      const end = await this.#lastVisible(lists.length);
      for (const { link, frame } of lists) {
        if (link.isClosed) continue;
        if (typeof end === 'number') await this.#sendPage(link, frame, end);
        else sendToFrontend(link, { t: 'pageRefused', id: frame.id, why: end });
      }
    }
    this.#isReading = false;
  }

  /**
   * Number of the last order for the lists that wait now, once the book has every order that any client was
   * notified of; or why they cannot be read. It holds for all their pages: after lost leadership the replica
   * knows of fewer visible orders.
   */
  async #lastVisible(lists: number): Promise<number | 'notLeader' | 'busy'> {
    const { machine } = this.#options;
    const session = this.#options.session();
    if (session === null) return 'notLeader';
    return new Promise((resolve) => {
      session.waitForAcknowledged(lists, (isComplete) =>
        resolve(isComplete ? readableOrders(machine, session) : 'busy'),
      );
    });
  }

  async #sendPage(link: Link, { id, after, limit, name }: ListFrame, last: number): Promise<void> {
    const { machine, pacer } = this.#options;
    const end = Math.min(last, after + (name === null ? limit : LIST_ORDERS_MAX));
    const orders: OrderWire[] = [];
    let upTo = after;
    for await (const slice of machine.store.orderSlices(after, end, name)) {
      await pacer.waitForTurn();
      pacer.measure(() => {
        for (const order of slice.orders()) if (orders.length < limit) orders.push(orderToWire(order));
      });
      upTo = orders.length === limit ? (orders.at(-1)?.[0] ?? slice.lastNumber) : slice.lastNumber;
      if (orders.length === limit) break;
    }
    pacer.measure(() => sendToFrontend(link, { t: 'page', id, orders, next: upTo < last ? upTo : null }));
  }
}

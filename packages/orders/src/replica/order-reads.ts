/** Reads of single orders, and the export of the whole book. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { OrderReadItem, OrderReadResult, Order, OrderWire } from '@trireme/domain';
import type { Link } from '@trireme/service';
import { sendToFrontend } from './frontends.js';
import type { BookStateMachine } from '../book/machine.js';
import type { LeaderSession } from '../leader/session.js';
import type { Pacer } from './scan-pacer.js';

interface BookReadsOptions {
  readonly machine: BookStateMachine;
  /** Null while this replica does not lead. */
  readonly session: () => LeaderSession | null;
  /** Paces the export. */
  readonly pacer: Pacer;
  readonly fatal: (error: unknown) => void;
}

/** Length of the chunks of the export, in characters. */
const CSV_CHUNK_LENGTH = 64 * 1024;

export class OrderReads {
  readonly #options: BookReadsOptions;

  constructor(options: BookReadsOptions) {
    this.#options = options;
  }

  /** Orders never change, so a visible order can be answered at once; only "missing" needs a confirmed read. */
  get(link: Link, asked: readonly OrderReadItem[]): void {
    const results: OrderReadResult[] = [];
    const unconfirmed: OrderReadItem[] = [];
    for (const item of asked) {
      const found = this.#find(item);
      if (found !== null) results.push(found);
      else if (item[2]) unconfirmed.push(item);
      else results.push([item[0], 'missing']);
    }
    if (results.length > 0) sendToFrontend(link, { t: 'got', items: results });
    if (unconfirmed.length > 0) this.#getConfirmed(link, unconfirmed);
  }

  #getConfirmed(link: Link, asked: readonly OrderReadItem[]): void {
    const session = this.#options.session();
    if (session === null) {
      sendToFrontend(link, { t: 'got', items: asked.map(([id]) => [id, 'refused', 'notLeader']) });
      return;
    }
    session.waitForAcknowledged(asked.length, (isComplete) => {
      const answer = (item: OrderReadItem): OrderReadResult =>
        isComplete ? (this.#find(item) ?? [item[0], 'missing']) : [item[0], 'refused', 'busy'];
      this.#guard(() => sendToFrontend(link, { t: 'got', items: asked.map(answer) }));
    });
  }

  #find([id, number]: OrderReadItem): OrderReadResult | null {
    const { machine } = this.#options;
    const session = this.#options.session();
    // An order that was acknowledged and cannot be read is damage; it must not be answered with 404.
    const isThere = number >= 1 && number <= readableOrders(machine, session);
    const order = isThere ? machine.store.orderAt(number) : (session?.unstoredOrder(number) ?? null);
    return order === null ? null : [id, 'order', orderToWire(order)];
  }

  /** Answers with the whole book as CSV. */
  async export(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' });
    await pipeline(Readable.from(this.csv()), response);
  }

  /** The whole book as CSV, `number,name,type,quantity`, as of one moment. */
  async *csv(): AsyncGenerator<string> {
    const { machine, pacer } = this.#options;
    const last = readableOrders(machine, this.#options.session());
    let rows = 'number,name,type,quantity\n';
    for await (const slice of machine.store.orderSlices(0, last, null)) {
      await pacer.waitForTurn();
      pacer.measure(() => {
        for (const { number, name, type, quantity } of slice.orders()) {
          rows += `${number},${name},${type},${quantity}\n`;
        }
      });
      if (rows.length < CSV_CHUNK_LENGTH) continue;
      yield rows;
      rows = '';
    }
    yield rows;
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.fatal(error);
    }
  }
}

/** Orders up to this number are visible and stored; further ones may be filled but not visible yet. */
export function readableOrders({ stored }: BookStateMachine, session: LeaderSession | null): number {
  return Math.min(stored.orders, session?.visibleOrders ?? stored.visibleOrders);
}

export function orderToWire({ number, name, type, quantity, price, time }: Order): OrderWire {
  return [number, name, type, quantity, price, time];
}

/** What is read of the book beside lists: single orders, and the whole of it. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { GetItem, GetResult, Order, OrderWire } from '@trireme/domain';
import type { Link } from '@trireme/service';
import { send } from './frontends.js';
import type { BookMachine } from './machine.js';
import type { LeaderSession } from './leader-session.js';
import type { Pacer } from './scan-pacer.js';

interface BookReadsOptions {
  /** The book, null before it is open. */
  readonly machine: () => BookMachine | null;
  /** Null while this replica does not lead. */
  readonly session: () => LeaderSession | null;
  /** Paces the export. */
  readonly pacer: Pacer;
  readonly fatal: (error: unknown) => void;
}

/** Characters of the export that are given at a time. */
const CSV_CHUNK_LENGTH = 64 * 1024;

export class BookReads {
  readonly #o: BookReadsOptions;

  constructor(options: BookReadsOptions) {
    this.#o = options;
  }

  /** Orders never change, so one that is visible here is the answer; only "missing" needs more. */
  get(link: Link, asked: readonly GetItem[]): void {
    const results: GetResult[] = [];
    const unsure: GetItem[] = [];
    for (const item of asked) {
      const found = this.#find(item);
      if (found !== null) results.push(found);
      else if (item[2]) unsure.push(item);
      else results.push([item[0], 'missing']);
    }
    if (results.length > 0) send(link, { t: 'got', items: results });
    if (unsure.length > 0) this.#getSurely(link, unsure);
  }

  #getSurely(link: Link, asked: readonly GetItem[]): void {
    const session = this.#o.session();
    if (session === null) {
      send(link, { t: 'got', items: asked.map(([id]) => [id, 'refused', 'notLeader']) });
      return;
    }
    session.whenComplete(asked.length, (isComplete) => {
      const answer = (item: GetItem): GetResult =>
        isComplete ? (this.#find(item) ?? [item[0], 'missing']) : [item[0], 'refused', 'busy'];
      this.#guard(() => send(link, { t: 'got', items: asked.map(answer) }));
    });
  }

  #find([id, number]: GetItem): GetResult | null {
    const machine = this.#o.machine();
    if (machine === null) return null;
    const session = this.#o.session();
    // An order that the book has given out and cannot read is damage, and must not be answered with 404.
    const isThere = number >= 1 && number <= shownOrders(machine, session);
    const order = isThere ? machine.store.orderAt(number) : (session?.order(number) ?? null);
    return order === null ? null : [id, 'order', orderWire(order)];
  }

  /** Answers with the whole book as CSV. */
  async export(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' });
    await pipeline(Readable.from(this.csv()), response);
  }

  /** The whole book as CSV, `number,name,type,quantity`, as of one moment. */
  async *csv(): AsyncGenerator<string> {
    const { pacer } = this.#o;
    const machine = this.#o.machine();
    let rows = 'number,name,type,quantity\n';
    if (machine !== null) {
      for await (const slice of machine.store.orderSlices(0, shownOrders(machine, this.#o.session()), null)) {
        await pacer.turn();
        pacer.measure(() => {
          for (const { number, name, type, quantity } of slice.orders()) {
            rows += `${number},${name},${type},${quantity}\n`;
          }
        });
        if (rows.length < CSV_CHUNK_LENGTH) continue;
        yield rows;
        rows = '';
      }
    }
    yield rows;
  }

  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#o.fatal(error);
    }
  }
}

/** Orders up to this number may be shown and are in the store: of those that are filled, not all may be visible yet. */
export function shownOrders({ stored }: BookMachine, session: LeaderSession | null): number {
  return Math.min(stored.orders, session?.visibleOrders ?? stored.visibleOrders);
}

export function orderWire({ number, name, type, quantity, price, time }: Order): OrderWire {
  return [number, name, type, quantity, price, time];
}

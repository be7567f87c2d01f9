/** Fake front-end with an in-memory store, whose answers tests can intercept. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface FakeOrder {
  readonly number: number;
  readonly name: string;
  readonly type: string;
  readonly quantity: number;
  readonly price: number;
  readonly time: string;
}

export interface RecordedRequest {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Handles a request instead of the store; returns whether it did. */
export type Interceptor = (request: RecordedRequest, response: ServerResponse) => boolean;

export class FakeStore {
  readonly stocks = new Map<string, number>();
  readonly orders: FakeOrder[] = [];
  readonly requests: RecordedRequest[] = [];
  /** Order numbers by idempotency key. */
  readonly #keys = new Map<string, number>();
  intercept: Interceptor = () => false;
  url = '';
  readonly #server = createServer((request, response) => {
    void this.#serve(request, response);
  });

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
    const seen = { line: `${request.method ?? ''} ${request.url ?? ''}`, headers: request.headers, body };
    this.requests.push(seen);
    if (this.intercept(seen, response)) return;
    const [path = '', query = ''] = seen.line.split('?');
    const name = decodeURIComponent(path.split('/')[2] ?? '');
    if (path === 'GET /stocks') this.#page(response, new URLSearchParams(query));
    else if (path === 'GET /orders') sendJson(response, 200, { data: this.orders, next: null });
    else if (path === 'POST /orders') this.#place(response, body, request.headers['idempotency-key']);
    else if (path.startsWith('GET /orders/')) this.#order(response, Number(name));
    else this.#stock(response, name);
  }

  #page(response: ServerResponse, query: URLSearchParams): void {
    const limit = Number(query.get('limit') ?? 3);
    const names = [...this.stocks.keys()].sort().filter((name) => name > (query.get('after') ?? ''));
    // Short pages, so that a reader must follow `next`.
    const page = names.slice(0, Math.min(limit, 3));
    const data = page.map((name) => ({ name, price: 5, quantity: this.stocks.get(name) }));
    sendJson(response, 200, { data, next: names.length > page.length ? page.at(-1) : null });
  }

  #stock(response: ServerResponse, name: string): void {
    const quantity = this.stocks.get(name);
    if (quantity === undefined) sendError(response, 404, 'STOCK_NOT_FOUND');
    else sendJson(response, 200, { data: { name, price: 5, quantity } });
  }

  #place(response: ServerResponse, body: string, key: string | string[] | undefined): void {
    const made = this.#keys.get(String(key));
    if (made !== undefined) {
      sendJson(response, 200, { data: { transaction_number: made } });
      return;
    }
    const { name, type, quantity } = JSON.parse(body) as FakeOrder;
    const left = this.stocks.get(name) ?? 0;
    if (type === 'buy' && left < quantity) {
      sendError(response, 409, 'INSUFFICIENT_STOCK');
      return;
    }
    this.stocks.set(name, type === 'buy' ? left - quantity : left + quantity);
    const number = this.orders.length + 1;
    if (key !== undefined) this.#keys.set(String(key), number);
    this.orders.push({ number, name, type, quantity, price: 5, time: '2026-01-01T00:00:00.000Z' });
    sendJson(response, 200, { data: { transaction_number: number } });
  }

  #order(response: ServerResponse, number: number): void {
    const order = this.orders[number - 1];
    if (order === undefined) sendError(response, 404, 'ORDER_NOT_FOUND');
    else sendJson(response, 200, { data: order });
  }
}

export function sendJson(response: ServerResponse, status: number, body: object, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function sendError(
  response: ServerResponse,
  code: number,
  status: string,
  headers: object = {},
): void {
  sendJson(response, code, { error: { code, message: 'refused by the test', status } }, headers);
}

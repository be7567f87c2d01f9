/** HTTP proxy in front of a front-end that fails like real proxies do, before or after it forwards a request. */
import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How one request fails. `forwards`: whether the proxy still forwards it to the server. */
export type ProxyFault =
  /** The proxy sends its own answer. */
  | {
      readonly kind: 'answer';
      readonly forwards: boolean;
      readonly code: number;
      readonly body: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The connection breaks without an answer. */
  | { readonly kind: 'cut'; readonly forwards: boolean }
  /** The connection breaks in the middle of the server's answer. */
  | { readonly kind: 'cutAnswer'; readonly forwards: true };

/** The HTML error page of a proxy. */
export function htmlPage(code: number, forwards: boolean): ProxyFault {
  return {
    kind: 'answer',
    forwards,
    code,
    headers: { 'content-type': 'text/html' },
    body: `<html><head><title>${code}</title></head><body>${code} from the proxy</body></html>`,
  };
}

interface Answer {
  readonly code: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export class TestProxy {
  url = '';
  /** Received requests, as `METHOD path`. */
  readonly requests: string[] = [];
  /** Returns the fault of a request; null forwards it. */
  fault: (line: string) => ProxyFault | null = () => null;
  readonly #target: string;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  /** @param target URL of the front-end, for example `http://127.0.0.1:8080` */
  constructor(target: string) {
    this.#target = target;
  }

  /** Listens on a free port of loopback. */
  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Fails the next requests whose line begins with `line`, with one fault each, and forwards all others. */
  failNext(line: string, ...faults: readonly ProxyFault[]): void {
    const left = [...faults];
    this.fault = (seen) => (seen.startsWith(line) ? (left.shift() ?? null) : null);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const line = `${request.method ?? ''} ${request.url ?? ''}`;
    this.requests.push(line);
    const fault = this.fault(line);
    const answer = fault === null || fault.forwards ? await this.#forward(request, body) : null;
    if (fault?.kind === 'answer') response.writeHead(fault.code, fault.headers ?? {}).end(fault.body);
    else if (answer === null || fault?.kind === 'cut') request.socket.destroy();
    else if (fault?.kind === 'cutAnswer') {
      response.writeHead(answer.code, answer.headers);
      response.write(answer.body.subarray(0, 1), () => request.socket.destroy());
    } else response.writeHead(answer.code, answer.headers).end(answer.body);
  }

  async #forward({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
    const upstream = send(new URL(url ?? '/', this.#target), { method, headers });
    upstream.end(body);
    const [response] = (await once(upstream, 'response')) as [IncomingMessage];
    return { code: response.statusCode ?? 0, headers: response.headers, body: await readAll(response) };
  }
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

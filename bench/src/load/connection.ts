/**
 * One keep-alive connection that sends prepared bytes and reads the answer, one request at a time. The
 * generator shares the cores with the system under test, so it works on raw sockets, which cost half the CPU
 * of an HTTP client.
 */
import { connect, type Socket } from 'node:net';
import { AnswerParser, type HttpAnswer } from '../rules/answer-parser.js';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Host and port of an `http:` URL. */
export function targetOf(url: string): Target {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

/** Host and port in the form of a `Host` header. */
export function hostOf({ host, port }: Target): string {
  return `${host}:${port}`;
}

/** Milliseconds without a received byte after which a request fails. */
const SILENCE_MS_MAX = 10_000;

const EMPTY_BODY = Buffer.alloc(0);

export class Connection {
  readonly #target: Target;
  readonly #reader = new AnswerParser();
  #socket: Socket | null = null;
  #waiting: ((answer: HttpAnswer) => void) | null = null;
  #closed = false;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Connects ahead of the first request. @throws the socket's error. */
  async open(): Promise<void> {
    const socket = this.#connect();
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
  }

  /** Whether a request is in flight. */
  get isBusy(): boolean {
    return this.#waiting !== null;
  }

  /**
   * Sends a request, and connects first if there is no connection. `done` is called once, after this method
   * has returned. It gets status 0 if the connection broke, no byte came for 10 seconds, or the answer was
   * malformed.
   * @throws Error while another request is in flight, or after `close`.
   */
  send(request: Buffer, done: (answer: HttpAnswer) => void): void {
    if (this.#waiting !== null) throw new Error('cannot send: the connection has a request in flight');
    if (this.#closed) throw new Error('cannot send: the connection is closed');
    this.#waiting = done;
    (this.#socket ?? this.#connect()).write(request);
  }

  /** Closes the connection. A request in flight ends with status 0. */
  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #connect(): Socket {
    const socket = connect({ ...this.#target, noDelay: true });
    this.#socket = socket;
    this.#reader.reset();
    let reason = 'connection closed';
    socket.setTimeout(SILENCE_MS_MAX, () => {
      // An idle connection receives nothing, and stays open.
      if (this.#waiting !== null) socket.destroy(new Error(`no answer within ${SILENCE_MS_MAX} ms`));
    });
    socket.on('data', (chunk) => this.#onData(socket, chunk));
    socket.on('error', ({ message }) => (reason = message));
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null;
      this.#answer({ status: 0, head: reason, body: EMPTY_BODY });
    });
    return socket;
  }

  #onData(socket: Socket, chunk: Buffer): void {
    let answer: HttpAnswer | null;
    try {
      answer = this.#reader.push(chunk);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : undefined);
      return;
    }
    if (answer !== null) this.#answer(answer);
  }

  #answer(answer: HttpAnswer): void {
    const done = this.#waiting;
    this.#waiting = null;
    done?.(answer);
  }
}

/** Opens `count` connections. If one cannot be opened, closes all of them. @throws the socket's error. */
export async function openConnections(target: Target, count: number): Promise<readonly Connection[]> {
  const connections = Array.from({ length: count }, () => new Connection(target));
  try {
    await Promise.all(connections.map(async (connection) => connection.open()));
    return connections;
  } catch (error) {
    closeAll(connections);
    throw error;
  }
}

export function closeAll(connections: readonly Connection[]): void {
  for (const connection of connections) connection.close();
}

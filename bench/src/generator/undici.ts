/**
 * The load generator in this process: loops over undici's connections. A closed loop measures throughput: its
 * latencies are service times, and a stall of the system, which delays the next requests, counts only once (wrk
 * counts it more often). An open loop measures latency at a constant rate.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Pool, type Dispatcher } from 'undici';
import { LatencyHistogram, RequestCounter } from '../rules/outcomes.js';
import type { HttpAnswer, HttpRequest } from '../rules/requests.js';

/** A request fails if no byte of its answer arrives for ten seconds. */
const OPTIONS = { headersTimeout: 10_000, bodyTimeout: 10_000 };

const JSON_HEADERS = { 'content-type': 'application/json' };

/** One keep-alive connection, which is opened by the first request, and again after it broke. */
export class Connection {
  readonly #client: Client;

  constructor(url: string) {
    this.#client = new Client(url, OPTIONS);
  }

  async send(request: HttpRequest): Promise<HttpAnswer> {
    return send(this.#client, request);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

export interface ClosedLoopOptions {
  readonly url: string;
  readonly connections: number;
  /** Milliseconds of load before counting starts. */
  readonly warmupMs: number;
  /** Milliseconds of load that are counted. */
  readonly countedMs: number;
  readonly next: () => HttpRequest;
}

export interface ClosedLoopResult {
  readonly counter: RequestCounter;
  /** 200 answers a second. */
  readonly perSecond: number;
}

/** Each connection sends its next request when the last one is answered. */
export async function closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopResult> {
  const { url, connections, warmupMs, countedMs, next } = options;
  const counter = new RequestCounter();
  const fromMs = performance.now() + warmupMs;
  const untilMs = fromMs + countedMs;
  const loop = async (): Promise<void> => {
    const connection = new Connection(url);
    for (let sentMs = performance.now(); sentMs < untilMs; sentMs = performance.now()) {
      const answer = await connection.send(next());
      const doneMs = performance.now();
      // Requests count by the time of their answer, so the edges of the window cancel each other out. A failure counts
      // after the window too: a system that stopped answering shows only there.
      if (doneMs >= fromMs && (doneMs < untilMs || answer.status !== 200))
        counter.count(answer, doneMs - sentMs);
      // A refused connection fails at once; the delay keeps a dead server from causing a busy loop.
      if (answer.status === 0) await delay(10);
    }
    await connection.close();
  };
  await Promise.all(Array.from({ length: connections }, loop));
  return { counter, perSecond: counter.latency.count / (countedMs / 1000) };
}

export interface OpenLoopOptions {
  readonly url: string;
  /** Maximum number of connections. */
  readonly connections: number;
  /** Requests per second, above 0. */
  readonly perSecond: number;
  /** Total number of requests. */
  readonly count: number;
  readonly next: () => HttpRequest;
  /** Called when a request ends; times are on the clock of `performance.now`. */
  readonly onDone?: (intendedMs: number, doneMs: number, acknowledged: boolean) => void;
}

export interface OpenLoopResult {
  /** Latencies include the time in which a request waits for an idle connection. */
  readonly counter: RequestCounter;
  /** How long after its intended start a request was issued: the delay of the generator itself. */
  readonly lateness: LatencyHistogram;
}

/**
 * Issues requests at a constant rate, however slow the answers are, until the last one is answered. Issuing
 * never waits for an answer or a connection, so a stall of the system is charged to every request that it
 * delays (no coordinated omission). Node's timers have a resolution of 1 ms: above 1000 requests per second,
 * several are issued together.
 * @throws RangeError if the rate is not above 0.
 */
export async function openLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const { url, connections, perSecond, count, next, onDone } = options;
  if (!(perSecond > 0)) throw new RangeError(`rate must be above 0, got ${perSecond}`);
  const counter = new RequestCounter();
  const lateness = new LatencyHistogram();
  const pool = new Pool(url, { ...OPTIONS, connections });
  const pending: Promise<void>[] = [];
  const startMs = performance.now();
  for (let i = 0; i < count; i += 1) {
    const intendedMs = startMs + (i * 1000) / perSecond;
    let issuedMs = performance.now();
    while (issuedMs < intendedMs) {
      await delay(intendedMs - issuedMs);
      issuedMs = performance.now();
    }
    lateness.record(issuedMs - intendedMs);
    pending.push(
      send(pool, next()).then((answer) => {
        const doneMs = performance.now();
        const acknowledged = counter.count(answer, doneMs - issuedMs);
        onDone?.(intendedMs, doneMs, acknowledged);
      }),
    );
  }
  await Promise.all(pending);
  await pool.close();
  return { counter, lateness };
}

/** Resolves also if no answer arrives. */
async function send(dispatcher: Dispatcher, { path, body }: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve) => {
    let status = 0;
    let text = '';
    dispatcher.dispatch(
      body === undefined ? { method: 'GET', path } : { method: 'POST', path, body, headers: JSON_HEADERS },
      {
        // Without this method, undici expects the deprecated ones.
        onRequestStart: () => undefined,
        onResponseStart: (_, statusCode) => {
          status = statusCode;
        },
        onResponseData: (_, chunk) => {
          text += chunk.toString('latin1');
        },
        onResponseEnd: () => resolve({ status, body: text }),
        onResponseError: (_, { message }) => resolve({ status: 0, body: message }),
      },
    );
  });
}

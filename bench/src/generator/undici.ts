/**
 * The load generator in this process: loops over undici's connections. A closed loop measures throughput: its
 * latencies are service times, and a stall of the system, which delays the next requests, counts only once. An
 * open loop measures latency at a constant rate.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Pool, type Dispatcher } from 'undici';
import { LatencyHistogram, RequestCounter } from '../rules/outcomes.js';
import type { HttpAnswer, HttpRequest } from '../rules/requests.js';

/** A request fails if no byte of its answer arrives for ten seconds. */
const OPTIONS = { headersTimeout: 10_000, bodyTimeout: 10_000 };

const JSON_HEADERS = { 'content-type': 'application/json' };

/** A client with one connection, which sends its next request when the last one is answered. */
export interface LoopClient {
  /** The next request; null ends the loop of this client. */
  readonly next: () => HttpRequest | null;
  readonly onAnswer: (answer: HttpAnswer, tookMs: number) => void;
}

/** Runs the clients concurrently until the last one has ended. */
export async function runClients(url: string, clients: readonly LoopClient[]): Promise<void> {
  await Promise.all(clients.map(async (client) => runClient(new Client(url, OPTIONS), client)));
}

async function runClient(connection: Client, { next, onAnswer }: LoopClient): Promise<void> {
  await new Promise<void>((resolve) => {
    const sendNext = (): void => {
      const request = next();
      if (request === null) {
        resolve();
        return;
      }
      const sentMs = performance.now();
      send(connection, request, (answer) => {
        onAnswer(answer, performance.now() - sentMs);
        // A refused connection fails at once; the delay keeps a dead server from causing a busy loop.
        if (answer.status === 0) setTimeout(sendNext, 10);
        else sendNext();
      });
    };
    sendNext();
  });
  await connection.close();
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

/** Runs equal clients for some time, until the last request is answered. */
export async function closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopResult> {
  const { url, connections, warmupMs, countedMs, next } = options;
  const counter = new RequestCounter();
  const fromMs = performance.now() + warmupMs;
  const untilMs = fromMs + countedMs;
  const client: LoopClient = {
    next: () => (performance.now() < untilMs ? next() : null),
    onAnswer: (answer, tookMs) => {
      const doneMs = performance.now();
      // Requests count by the time of their answer, so the edges of the window cancel each other out.
      if (doneMs >= fromMs && doneMs < untilMs) counter.count(answer, tookMs);
    },
  };
  await runClients(
    url,
    Array.from({ length: connections }, () => client),
  );
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
  const startMs = performance.now();
  for (let i = 0; i < count; i += 1) {
    const intendedMs = startMs + (i * 1000) / perSecond;
    let issuedMs = performance.now();
    while (issuedMs < intendedMs) {
      await delay(intendedMs - issuedMs);
      issuedMs = performance.now();
    }
    lateness.record(issuedMs - intendedMs);
    send(pool, next(), (answer) => {
      const doneMs = performance.now();
      const acknowledged = counter.count(answer, doneMs - issuedMs);
      onDone?.(intendedMs, doneMs, acknowledged);
    });
  }
  await pool.close();
  return { counter, lateness };
}

function send(dispatcher: Dispatcher, { path, body }: HttpRequest, done: (answer: HttpAnswer) => void): void {
  let status = 0;
  let text = '';
  dispatcher.dispatch(
    body === undefined ? { method: 'GET', path } : { method: 'POST', path, body, headers: JSON_HEADERS },
    {
      // undici takes a handler without this method for one of its older interface.
      onRequestStart: () => undefined,
      onResponseStart: (_, statusCode) => {
        status = statusCode;
      },
      onResponseData: (_, chunk) => {
        text += chunk.toString('latin1');
      },
      onResponseEnd: () => done({ status, body: text }),
      onResponseError: (_, { message }) => done({ status: 0, body: message }),
    },
  );
}

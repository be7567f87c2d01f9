/**
 * Closed loop: N connections, each of which sends its next request when the last one is answered. It measures
 * the peak throughput. Its latencies are service times: a stall of the system delays the next requests and is
 * counted only once.
 */
import { closeAll, openConnections, type Connection, type Target } from './connection.js';
import { RequestCounter } from '../rules/counter.js';

export interface ClosedLoopOptions {
  readonly target: Target;
  readonly connections: number;
  /** Milliseconds of load before counting starts. */
  readonly warmupMs: number;
  /** Milliseconds of load that are counted. */
  readonly countedMs: number;
  /** Makes the bytes of the next request. */
  readonly next: () => Buffer;
}

export interface ClosedLoopResult {
  readonly tally: RequestCounter;
  /** 200 answers a second. */
  readonly perSecond: number;
}

/**
 * Runs the load until the last request is answered.
 * @throws the socket's error if a connection cannot be opened.
 */
export async function closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopResult> {
  const connections = await openConnections(options.target, options.connections);
  const tally = new RequestCounter();
  const fromMs = performance.now() + options.warmupMs;
  const untilMs = fromMs + options.countedMs;
  const runOne = async (connection: Connection): Promise<void> =>
    new Promise((resolve) => {
      const sendNext = (): void => {
        const sentMs = performance.now();
        if (sentMs >= untilMs) {
          resolve();
          return;
        }
        connection.send(options.next(), (answer) => {
          const doneMs = performance.now();
          // Requests count by the time of their answer, so the edges of the window cancel each other out.
          if (doneMs >= fromMs && doneMs < untilMs) tally.count(answer, doneMs - sentMs);
          // A refused connection fails at once; the delay keeps a dead server from causing a busy loop.
          if (answer.status === 0) setTimeout(sendNext, 10);
          else sendNext();
        });
      };
      sendNext();
    });
  try {
    await Promise.all(connections.map(runOne));
  } finally {
    closeAll(connections);
  }
  return { tally, perSecond: tally.latency.count / (options.countedMs / 1000) };
}

/**
 * Load by N connections, each of which sends its next request when the last one is answered. It finds how much a system
 * can take. Its latencies are service times at that load: a stall delays the requests that would have come meanwhile.
 */
import { closeAll, openConnections, type Connection, type Target } from './connection.js';
import { Tally } from '../rules/tally.js';

export interface ClosedLoopOptions {
  readonly target: Target;
  readonly connections: number;
  /** Milliseconds before counting begins. */
  readonly warmupMs: number;
  /** Milliseconds that are counted. */
  readonly countedMs: number;
  /** Makes the bytes of the next request. */
  readonly next: () => Buffer;
}

export interface ClosedLoopResult {
  readonly tally: Tally;
  /** 200 answers a second. */
  readonly perSecond: number;
}

/** Runs the load; ends when the last request is answered. @throws the socket's error if a connection cannot be opened. */
export async function closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopResult> {
  const connections = await openConnections(options.target, options.connections);
  const tally = new Tally();
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
          // Counted by when it was answered, so that as many come in at the edge of the window as go out.
          if (doneMs >= fromMs && doneMs < untilMs) tally.count(answer, doneMs - sentMs);
          // A refused connection answers at once: on a later turn, so that a dead server is not a busy loop of calls.
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

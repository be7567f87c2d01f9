/**
 * Load at a rate of its own: requests start when they are meant to, however slow the answers are, and latency counts
 * from the intended start. One that finds every connection busy waits, and the wait counts.
 */
import { Arrivals } from '../rules/arrivals.js';
import { closeAll, openConnections, type Connection, type Target } from './connection.js';
import { LatencyHistogram } from '../rules/histogram.js';
import { Metronome } from './metronome.js';
import { Tally } from '../rules/tally.js';

/** Finest and coarsest beat in milliseconds: finer costs more CPU than it tells. */
const BEAT_MS_MIN = 0.2;
const BEAT_MS_MAX = 5;

export interface OpenLoopOptions {
  readonly target: Target;
  readonly connections: number;
  /** Requests a second. */
  readonly perSecond: number;
  /** Requests in all. */
  readonly count: number;
  /** Makes the bytes of the next request. */
  readonly next: () => Buffer;
  /** Told of every request as it ends, on the clock of `performance.now`. */
  readonly onDone?: (intendedMs: number, doneMs: number, acknowledged: boolean) => void;
}

export interface OpenLoopResult {
  /** Latencies from the intended start. */
  readonly tally: Tally;
  /** How late requests were sent for which a connection was free: the generator's own share of the latencies. */
  readonly lateness: LatencyHistogram;
  /** 200 answers a second, from the first intended start to the last answer. */
  readonly perSecond: number;
}

/** Runs the load; ends when the last request is answered. @throws the socket's error if a connection cannot be opened. */
export async function openLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const connections = await openConnections(options.target, options.connections);
  try {
    return await new OpenLoop(options, connections).run();
  } finally {
    closeAll(connections);
  }
}

class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #idle: Connection[];
  readonly #tally = new Tally();
  readonly #lateness = new LatencyHistogram();
  #startMs = 0;
  #arrivals: Arrivals | null = null;
  #ended = 0;
  #finish: () => void = () => undefined;

  constructor(options: OpenLoopOptions, connections: readonly Connection[]) {
    this.#options = options;
    this.#idle = [...connections];
  }

  async run(): Promise<OpenLoopResult> {
    const periodMs = Math.min(Math.max(1000 / this.#options.perSecond, BEAT_MS_MIN), BEAT_MS_MAX);
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    const metronome = new Metronome(periodMs, () => this.#onBeat());
    try {
      await finished;
    } finally {
      await metronome.stop();
    }
    const seconds = (performance.now() - this.#startMs) / 1000;
    return {
      tally: this.#tally,
      lateness: this.#lateness,
      perSecond: this.#tally.latency.count / seconds,
    };
  }

  #onBeat(): void {
    if (this.#arrivals === null) {
      // Not before the metronome runs: its thread takes tens of milliseconds to start.
      this.#startMs = performance.now();
      const { perSecond, count } = this.#options;
      this.#arrivals = new Arrivals({ startMs: this.#startMs, perSecond, count });
    }
    this.#sendDue(this.#arrivals, true);
  }

  /** @param free whether connections were free all along, so that being late is the generator's doing. */
  #sendDue(arrivals: Arrivals, free: boolean): void {
    for (;;) {
      const connection = this.#idle.at(-1);
      if (connection === undefined) return;
      const sentMs = performance.now();
      const intendedMs = arrivals.take(sentMs);
      if (intendedMs === null) return;
      this.#idle.pop();
      if (free) this.#lateness.record(sentMs - intendedMs);
      this.#send(arrivals, connection, intendedMs);
    }
  }

  #send(arrivals: Arrivals, connection: Connection, intendedMs: number): void {
    connection.send(this.#options.next(), (answer) => {
      const doneMs = performance.now();
      const acknowledged = this.#tally.count(answer, doneMs - intendedMs);
      this.#options.onDone?.(intendedMs, doneMs, acknowledged);
      this.#ended += 1;
      const free = this.#idle.length > 0;
      this.#idle.push(connection);
      if (this.#ended === this.#options.count) this.#finish();
      else this.#sendDue(arrivals, free);
    });
  }
}

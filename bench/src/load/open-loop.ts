/**
 * Open loop: requests start at a constant rate, however slow the answers are. Latency counts from the
 * intended start, including the time in which a request waits for an idle connection.
 */
import { StartSchedule } from '../rules/start-schedule.js';
import { closeAll, openConnections, type Connection, type Target } from './connection.js';
import { LatencyHistogram } from '../rules/histogram.js';
import { PreciseTimer } from './precise-timer.js';
import { RequestCounter } from '../rules/counter.js';

/** Bounds of the timer's period in milliseconds. A shorter period costs CPU and gains no precision. */
const PERIOD_MS_MIN = 0.2;
const PERIOD_MS_MAX = 5;

export interface OpenLoopOptions {
  readonly target: Target;
  readonly connections: number;
  /** Requests per second. */
  readonly perSecond: number;
  /** Total number of requests. */
  readonly count: number;
  /** Makes the bytes of the next request. */
  readonly next: () => Buffer;
  /** Called when a request ends; times are on the clock of `performance.now`. */
  readonly onDone?: (intendedMs: number, doneMs: number, acknowledged: boolean) => void;
}

export interface OpenLoopResult {
  /** Latencies from the intended start. */
  readonly tally: RequestCounter;
  /** How late the generator sent requests although a connection was idle: its own share of the latencies. */
  readonly lateness: LatencyHistogram;
  /** 200 answers per second, from the first intended start to the last answer. */
  readonly perSecond: number;
}

/**
 * Runs the load until the last request is answered.
 * @throws the socket's error if a connection cannot be opened.
 */
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
  readonly #tally = new RequestCounter();
  readonly #lateness = new LatencyHistogram();
  #startMs = 0;
  #arrivals: StartSchedule | null = null;
  #ended = 0;
  #finish: () => void = () => undefined;

  constructor(options: OpenLoopOptions, connections: readonly Connection[]) {
    this.#options = options;
    this.#idle = [...connections];
  }

  async run(): Promise<OpenLoopResult> {
    const periodMs = Math.min(Math.max(1000 / this.#options.perSecond, PERIOD_MS_MIN), PERIOD_MS_MAX);
    const finished = new Promise<void>((resolve) => (this.#finish = resolve));
    const metronome = new PreciseTimer(periodMs, () => this.#onTick());
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

  #onTick(): void {
    if (this.#arrivals === null) {
      // The schedule starts with the first tick, as the metronome's thread takes tens of milliseconds to start.
      this.#startMs = performance.now();
      const { perSecond, count } = this.#options;
      this.#arrivals = new StartSchedule({ startMs: this.#startMs, perSecond, count });
    }
    this.#sendDue(this.#arrivals, true);
  }

  /** @param wasIdle whether a connection was idle all along, so that the generator itself caused any delay. */
  #sendDue(arrivals: StartSchedule, wasIdle: boolean): void {
    for (;;) {
      const connection = this.#idle.at(-1);
      if (connection === undefined) return;
      const sentMs = performance.now();
      const intendedMs = arrivals.takeDue(sentMs);
      if (intendedMs === null) return;
      this.#idle.pop();
      if (wasIdle) this.#lateness.record(sentMs - intendedMs);
      this.#send(arrivals, connection, intendedMs);
    }
  }

  #send(arrivals: StartSchedule, connection: Connection, intendedMs: number): void {
    connection.send(this.#options.next(), (answer) => {
      const doneMs = performance.now();
      const acknowledged = this.#tally.count(answer, doneMs - intendedMs);
      this.#options.onDone?.(intendedMs, doneMs, acknowledged);
      this.#ended += 1;
      const wasIdle = this.#idle.length > 0;
      this.#idle.push(connection);
      if (this.#ended === this.#options.count) this.#finish();
      else this.#sendDue(arrivals, wasIdle);
    });
  }
}

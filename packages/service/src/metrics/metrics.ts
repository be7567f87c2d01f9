/**
 * What a process tells Prometheus. Values are read when somebody asks, from counts that are kept anyway, so that the
 * paths of orders and lookups pay nothing; only durations are noted as they come. Names are etcd's where it has one,
 * with our prefix, and those of the process itself are the usual ones of every Node process.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { linesLost } from '../output/line-output.js';

/** A value, or one for each set of labels. Read at every scrape. */
export type Reading = number | Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;

/** Takes durations in seconds. */
export interface DurationSink {
  observe(seconds: number): void;
}

export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

const PREFIX = 'trireme_';

/** Whoever asks more often, in milliseconds, gets the same page: asking must not become a way to keep a process busy. */
const PAGE_MS_MAX = 200;

/** How finely the delay of the event loop is looked at, in milliseconds. */
const LOOP_MS = 20;

/** From 100 microseconds, doubling to 6.5 s: what a sync on a fast disk takes, and what a client may wait. */
const BUCKETS = Array.from({ length: 17 }, (_, i) => 0.0001 * 2 ** i);

export class Metrics {
  readonly #registry = new Registry();
  readonly #now: () => number;
  #page: Promise<MetricsPage> | null = null;
  #madeAt = Number.NEGATIVE_INFINITY;

  /** @param now monotonic milliseconds; `performance.now` unless given. */
  constructor(o: { readonly service: string; readonly id: string }, now = () => performance.now()) {
    this.#now = now;
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_MS });
    this.counter(
      'log_lines_lost_total',
      'Lines of the log that were left out as nobody took them.',
      linesLost,
    );
    this.gauge('process_info', 'Which process this is; always 1.', () => [
      [{ service: o.service, id: o.id, node: process.version }, 1],
    ]);
  }

  /** A value that rises and falls; `name` comes without the prefix. */
  gauge(name: string, help: string, read: () => Reading): void {
    const gauge = new Gauge<string>({
      name: PREFIX + name,
      help,
      labelNames: LABELS,
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        for (const [labels, value] of readings(read())) gauge.set({ ...labels }, value);
      },
    });
  }

  /** A count that only rises, but for a new start of the process. Its name ends in `_total`. */
  counter(name: string, help: string, read: () => Reading): void {
    const counter = new Counter<string>({
      name: PREFIX + name,
      help,
      labelNames: LABELS,
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const [labels, value] of readings(read())) counter.inc({ ...labels }, value);
      },
    });
  }

  /** A histogram of durations in seconds; its name ends in `_seconds`. */
  durations(name: string, help: string): DurationSink {
    return new Histogram({ name: PREFIX + name, help, buckets: BUCKETS, registers: [this.#registry] });
  }

  /** The page for a scrape. Those who ask within 200 ms of each other share one. */
  async page(): Promise<MetricsPage> {
    const now = this.#now();
    if (this.#page === null || now - this.#madeAt >= PAGE_MS_MAX) {
      this.#madeAt = now;
      this.#page = this.#render();
    }
    return this.#page;
  }

  async #render(): Promise<MetricsPage> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}

/** Every label that a reading may carry. */
const LABELS = [
  ...['service', 'id', 'node', 'peer', 'direction', 'reason', 'status', 'code', 'path', 'event', 'kind'],
];

function readings(reading: Reading): Iterable<readonly [Readonly<Record<string, string>>, number]> {
  return typeof reading === 'number' ? [[{}, reading]] : reading;
}

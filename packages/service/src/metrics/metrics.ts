/**
 * Prometheus metrics of a process. Values are read at each scrape, so they add no cost to orders and look-ups; only
 * durations are recorded as they occur. Names are etcd's with our prefix where etcd has one. Process metrics have the
 * default names of prom-client.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { droppedLines } from '../output/line-output.js';

/** A value, or one for each set of labels. */
export type MetricValue =
  number | Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>;

/** Records durations in seconds. */
export interface DurationHistogram {
  observe(seconds: number): void;
}

/** The answer of `GET /metrics`. */
export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

const PREFIX = 'trireme_';

/** Scrapes within this many milliseconds share a page, so that frequent scrapes cannot keep a process busy. */
const PAGE_MS_MAX = 200;

/** Resolution of the event loop delay, in milliseconds. */
const LOOP_MS = 20;

/** Upper bounds of the histogram buckets: from 100 microseconds, doubling to 6.5 s. */
const BUCKETS = Array.from({ length: 17 }, (_, i) => 0.0001 * 2 ** i);

/** The metrics of a process: those of Node, of the log, and those that its parts add. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #now: () => number;
  #page: Promise<MetricsPage> | null = null;
  #renderedAt = Number.NEGATIVE_INFINITY;

  /** @param now monotonic milliseconds; `performance.now` unless given. */
  constructor(
    { service, id }: { readonly service: string; readonly id: string },
    now = () => performance.now(),
  ) {
    this.#now = now;
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_MS });
    this.addCounter(
      'log_lines_dropped_total',
      'Number of log lines dropped because standard output was not read or not writable.',
      droppedLines,
    );
    this.addGauge('process_info', 'Service, id and Node version of the process; always 1.', () => [
      [{ service, id, node: process.version }, 1],
    ]);
  }

  /** Adds a gauge. @param name without the prefix */
  addGauge(name: string, help: string, read: () => MetricValue): void {
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

  /** Adds a counter, which decreases only at a restart. @param name without the prefix, ends in `_total` */
  addCounter(name: string, help: string, read: () => MetricValue): void {
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

  /** Adds a histogram of durations in seconds. @param name without the prefix, ends in `_seconds` */
  addHistogram(name: string, help: string): DurationHistogram {
    return new Histogram({ name: PREFIX + name, help, buckets: BUCKETS, registers: [this.#registry] });
  }

  /** The page for a scrape. Scrapes within 200 ms share a page. */
  async page(): Promise<MetricsPage> {
    const now = this.#now();
    if (this.#page === null || now - this.#renderedAt >= PAGE_MS_MAX) {
      this.#renderedAt = now;
      this.#page = this.#render();
    }
    return this.#page;
  }

  async #render(): Promise<MetricsPage> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }
}

/** All labels that values may have. */
const LABELS = [
  'service',
  'id',
  'node',
  'peer',
  'direction',
  'reason',
  'status',
  'code',
  'path',
  'event',
  'kind',
  'result',
];

function readings(reading: MetricValue): Iterable<readonly [Readonly<Record<string, string>>, number]> {
  return typeof reading === 'number' ? [[{}, reading]] : reading;
}

/** Summarizes the rounds of a benchmark, as values and as a table. */
import type { RoundResult } from './closed-loop.js';

/** One row: the medians over its rounds. */
export interface Row {
  readonly payloadBytes: number;
  readonly inFlight: number;
  readonly rounds: number;
  /** Proposals a second: median, slowest and fastest round. */
  readonly rate: number;
  readonly rateMin: number;
  readonly rateMax: number;
  /** Milliseconds from `propose` until the leader has applied the entry. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * Summarizes the rounds of one load.
 * @throws RangeError if there are no rounds, or a round has no proposals.
 */
export function summarize(
  load: { payloadBytes: number; inFlight: number },
  rounds: readonly RoundResult[],
): Row {
  const rates = rounds.map(({ rate }) => rate);
  const at = (share: number): number =>
    median(rounds.map(({ latenciesMs }) => percentile(latenciesMs, share)));
  return {
    payloadBytes: load.payloadBytes,
    inFlight: load.inFlight,
    rounds: rounds.length,
    rate: median(rates),
    rateMin: Math.min(...rates),
    rateMax: Math.max(...rates),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

/**
 * The nearest-rank percentile of ascending `values`.
 * @param share 0 to 1
 * @throws RangeError if there are no values
 */
export function percentile(values: Float64Array, share: number): number {
  const value = values[Math.max(0, Math.ceil(values.length * share) - 1)];
  if (value === undefined) throw new RangeError('there are no values');
  return value;
}

/**
 * The median: the middle value, or the mean of the two middle values.
 * @throws RangeError if there are no values
 */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.ceil(sorted.length / 2) - 1];
  const high = sorted[Math.floor(sorted.length / 2)];
  if (low === undefined || high === undefined) throw new RangeError('there are no values');
  return (low + high) / 2;
}

const COLUMNS = [
  'payload',
  'in flight',
  'proposals/s',
  '(min to max)',
  'p50 ms',
  'p95 ms',
  'p99 ms',
  'max ms',
];

/** The rows as an aligned Markdown table. */
export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    `${row.payloadBytes} B`,
    String(row.inFlight),
    whole(row.rate),
    `${whole(row.rateMin)} to ${whole(row.rateMax)}`,
    ...[row.p50Ms, row.p95Ms, row.p99Ms, row.maxMs].map((ms) => ms.toFixed(2)),
  ]);
  const widths = COLUMNS.map((name, column) =>
    Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join(' | ')} |`;
  const rule = widths.map((width) => `${'-'.repeat(width - 1)}:`);
  return [line(COLUMNS), line(rule), ...cells.map(line)].join('\n');
}

function whole(rate: number): string {
  return Math.round(rate).toLocaleString('en-US');
}

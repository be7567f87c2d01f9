/** What the rounds of a benchmark come to, as values and as a table. */
import type { Round } from './closed-loop.js';

/** One row: the medians of its rounds. */
export interface Row {
  readonly payloadBytes: number;
  readonly inFlight: number;
  readonly rounds: number;
  /** Proposals a second: the median round, the slowest and the fastest. */
  readonly rate: number;
  readonly rateMin: number;
  readonly rateMax: number;
  /** Milliseconds from proposal to application at the leader. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** @throws RangeError if there are no rounds, or one without proposals. */
export function rowOf(load: { payloadBytes: number; inFlight: number }, rounds: readonly Round[]): Row {
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

/** The smallest of ascending `values` that `share` of them do not exceed (nearest rank). @throws RangeError if there are none. */
export function percentile(values: Float64Array, share: number): number {
  const value = values[Math.max(0, Math.ceil(values.length * share) - 1)];
  if (value === undefined) throw new RangeError('nothing was measured');
  return value;
}

/** The middle value, or the mean of the two in the middle. @throws RangeError if there are none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.ceil(sorted.length / 2) - 1];
  const high = sorted[Math.floor(sorted.length / 2)];
  if (low === undefined || high === undefined) throw new RangeError('nothing was measured');
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

/** The rows as a Markdown table whose columns line up. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    `${row.payloadBytes} B`,
    String(row.inFlight),
    whole(row.rate),
    `${whole(row.rateMin)} to ${whole(row.rateMax)}`,
    ...[row.p50Ms, row.p95Ms, row.p99Ms, row.maxMs].map((ms) => ms.toFixed(2)),
  ]);
  const widths = COLUMNS.map((name, place) =>
    Math.max(name.length, ...cells.map((row) => row[place]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, place) => cell.padStart(widths[place] ?? 0)).join(' | ')} |`;
  const rule = widths.map((width) => `${'-'.repeat(width - 1)}:`);
  return [line(COLUMNS), line(rule), ...cells.map(line)].join('\n');
}

function whole(rate: number): string {
  return Math.round(rate).toLocaleString('en-US');
}

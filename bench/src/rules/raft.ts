/** Table and page of the benchmark of the Raft library. */
import type { LatencyHistogram } from './outcomes.js';
import { median } from './statistics.js';
import { describeRun, formatNumber, toMarkdown, type PageHead, type Table } from './text.js';

export interface RaftLoad {
  readonly payloadBytes: number;
  /** Number of concurrent proposals. */
  readonly inFlight: number;
}

/** One load in one round. */
export interface RaftRound extends RaftLoad {
  /** Proposals a second. */
  readonly rate: number;
  /** From `propose` until the leader has applied the entry. */
  readonly latency: LatencyHistogram;
}

/** One row: the medians over the rounds of one load. */
export interface RaftRow extends RaftLoad {
  readonly rounds: number;
  /** Proposals a second: median, slowest and fastest round. */
  readonly rate: number;
  readonly rateMin: number;
  readonly rateMax: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** @throws RangeError if there are no rounds of this load. */
export function summarizeRounds({ payloadBytes, inFlight }: RaftLoad, all: readonly RaftRound[]): RaftRow {
  const rounds = all.filter((round) => round.payloadBytes === payloadBytes && round.inFlight === inFlight);
  const rates = rounds.map(({ rate }) => rate);
  const at = (percentile: number): number => median(rounds.map(({ latency }) => latency.at(percentile)));
  return {
    payloadBytes,
    inFlight,
    rounds: rounds.length,
    rate: median(rates),
    rateMin: Math.min(...rates),
    rateMax: Math.max(...rates),
    p50Ms: at(50),
    p95Ms: at(95),
    p99Ms: at(99),
    maxMs: at(100),
  };
}

export function raftTable(rows: readonly RaftRow[]): Table {
  return {
    columns: [
      'payload',
      'in flight',
      'proposals/s',
      'min to max',
      'p50 (ms)',
      'p95 (ms)',
      'p99 (ms)',
      'max (ms)',
    ],
    rows: rows.map(({ payloadBytes, inFlight, rate, rateMin, rateMax, p50Ms, p95Ms, p99Ms, maxMs }) => [
      `${payloadBytes} B`,
      inFlight,
      formatNumber(rate),
      `${formatNumber(rateMin)} to ${formatNumber(rateMax)}`,
      ...[p50Ms, p95Ms, p99Ms, maxMs].map(formatNumber),
    ]),
  };
}

export interface RaftPage extends PageHead {
  readonly rounds: number;
  readonly seconds: number;
}

export function raftPage(rows: readonly RaftRow[], page: RaftPage): string {
  return `# The Raft library alone

Three members in one process, over HTTP on the loopback interface, each with its own LevelDB, which syncs every write. Proposals go to the leader. A
fixed number is in flight: each is followed by another as soon as the leader has applied it. The table shows medians over ${page.rounds} rounds of ${page.seconds} s;
every round runs every load, in alternating order.

${describeRun(page)}

${toMarkdown(raftTable(rows))}
`;
}

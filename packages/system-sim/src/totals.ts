/** What many runs came to, and whether they did enough to say anything. */
import type { Counts, RunResult } from './simulate.js';

/** Seeds from which on everything must have happened. */
const SEEDS_MIN = 100;

/** What has to happen in `SEEDS_MIN` seeds: a simulator that does nothing finds nothing. */
const DEMANDED: readonly (readonly [where: 'answers' | 'happened', what: string])[] = [
  ...['buy', 'sell', 'list', 'restock', 'repeated', 'unknown', 'look-up', 'key reused'].map(
    (what) => ['answers', what] as const,
  ),
  ...['list of stocks', 'order read', 'list of orders'].map((what) => ['answers', what] as const),
  ...['look-ups by cache', 'look-ups by catalog', 'look-ups by replica'].map(
    (what) => ['happened', what] as const,
  ),
  ...['attached', 'installed', 'authorized', 'authorityLost', 'refused', 'leaseExpired'].map(
    (kind) => ['happened', `catalog: ${kind}`] as const,
  ),
  ...[
    'leaders',
    'catalog set: changed',
    'replica replaced',
    'raft: snapshotInstalled',
    'raft: compacted',
  ].map((what) => ['happened', what] as const),
];

export class Totals {
  #seeds = 0;
  #events = 0;
  #virtualSeconds = 0;
  #batches = 0;
  #undecided = 0;
  #violations = 0;
  readonly #counts = { answers: new Map<string, number>(), happened: new Map<string, number>() };
  readonly #faults = new Map<string, number>();

  add(result: RunResult): void {
    this.#seeds += 1;
    this.#events += result.events;
    this.#virtualSeconds += result.virtualSeconds;
    this.#batches += result.batches;
    this.#undecided += result.undecided;
    if (result.violation !== null) this.#violations += 1;
    addUp(this.#counts.answers, result.answers);
    addUp(this.#counts.happened, result.happened);
    addUp(this.#faults, result.faults);
  }

  /** What should have happened and never did; empty for few seeds. */
  get missing(): readonly string[] {
    if (this.#seeds < SEEDS_MIN) return [];
    return DEMANDED.filter(([where, what]) => (this.#counts[where].get(what) ?? 0) === 0).map(
      ([, what]) => what,
    );
  }

  progress(wallMs: number): string {
    const hours = (this.#virtualSeconds / 3_600).toFixed(2);
    return `${this.#seeds} seeds, ${hours} virtual hours, ${(wallMs / 1000).toFixed(0)} s`;
  }

  lines(wallMs: number): readonly string[] {
    return [
      `seeds                 ${this.#seeds}, of which ${this.#violations} broke a rule`,
      `virtual time          ${(this.#virtualSeconds / 3_600).toFixed(2)} hours, in ${(wallMs / 1000).toFixed(0)} s`,
      `steps                 ${this.#events}`,
      `batches decided       ${this.#batches}`,
      `answers               ${text(this.#counts.answers)}`,
      `happened              ${text(this.#counts.happened)}`,
      `faults                ${text(this.#faults)}`,
      `searches given up     ${this.#undecided}`,
    ];
  }
}

function addUp(sums: Map<string, number>, counts: Counts): void {
  for (const [what, count] of Object.entries(counts)) sums.set(what, (sums.get(what) ?? 0) + count);
}

function text(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `${what} ${count}`)
    .join(', ');
}

/** The summary of many runs, and whether they covered enough. */
import type { Counts, RunResult } from './simulate.js';

/** Number of seeds after which all required events must have occurred. */
const SEEDS_MIN = 100;

/** Events that must occur in `SEEDS_MIN` seeds, because a run in which nothing happens finds nothing. */
const REQUIRED: readonly (readonly [where: 'answers' | 'processEvents', what: string])[] = [
  ...['buy', 'sell', 'list', 'restock', 'repeated', 'unknown', 'look-up', 'key reused'].map(
    (what) => ['answers', what] as const,
  ),
  ...['list of stocks', 'order read', 'list of orders'].map((what) => ['answers', what] as const),
  ...['look-ups by cache', 'look-ups by catalog', 'look-ups by replica'].map(
    (what) => ['processEvents', what] as const,
  ),
  ...['attached', 'installed', 'authorized', 'authorityLost', 'refused', 'leaseExpired'].map(
    (kind) => ['processEvents', `catalog: ${kind}`] as const,
  ),
  ...[
    'leaders',
    'catalog set: changed',
    'replica replaced',
    'raft: snapshotInstalled',
    'raft: compacted',
  ].map((what) => ['processEvents', what] as const),
];

export class SystemTotals {
  #seeds = 0;
  #events = 0;
  #virtualSeconds = 0;
  #batches = 0;
  #undecided = 0;
  #violations = 0;
  readonly #counts = { answers: new Map<string, number>(), processEvents: new Map<string, number>() };
  readonly #faults = new Map<string, number>();

  add(result: RunResult): void {
    this.#seeds += 1;
    this.#events += result.events;
    this.#virtualSeconds += result.virtualSeconds;
    this.#batches += result.batches;
    this.#undecided += result.undecided;
    if (result.violation !== null) this.#violations += 1;
    addUp(this.#counts.answers, result.answers);
    addUp(this.#counts.processEvents, result.processEvents);
    addUp(this.#faults, result.faults);
  }

  /** Required events that never occurred. Empty for fewer than `SEEDS_MIN` seeds. */
  get missing(): readonly string[] {
    if (this.#seeds < SEEDS_MIN) return [];
    return REQUIRED.filter(([where, what]) => (this.#counts[where].get(what) ?? 0) === 0).map(
      ([, what]) => what,
    );
  }

  progress(wallMs: number): string {
    const hours = (this.#virtualSeconds / 3_600).toFixed(2);
    return `${this.#seeds} seeds, ${hours} virtual hours, ${(wallMs / 1000).toFixed(0)} s`;
  }

  lines(wallMs: number): readonly string[] {
    return [
      `seeds                 ${this.#seeds}, ${this.#violations} with a violation`,
      `virtual time          ${(this.#virtualSeconds / 3_600).toFixed(2)} hours, in ${(wallMs / 1000).toFixed(0)} s`,
      `events                ${this.#events}`,
      `batches decided       ${this.#batches}`,
      `answers               ${text(this.#counts.answers)}`,
      `in processes          ${text(this.#counts.processEvents)}`,
      `faults                ${text(this.#faults)}`,
      `histories undecided   ${this.#undecided}`,
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

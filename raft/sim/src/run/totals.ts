/** The summary of many runs, as text. */
import type { RunResult } from '../simulate.js';

type Counts = Record<string, number>;

function addTo(sums: Counts, counts: Readonly<Counts>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}

export class RunTotals {
  seeds = 0;
  gaveUp = 0;
  violations = 0;
  readonly #sums = { events: 0, virtualSeconds: 0, committed: 0, elections: 0, configurations: 0 };
  readonly #operations = { changes: 0, reads: 0, leaseReads: 0, followerReads: 0, unknown: 0 };
  readonly #snapshots: Counts = {};
  readonly #reconfigurations: Counts = {};
  readonly #faults: Counts = {};

  add(result: RunResult): void {
    const { events, virtualSeconds, committed, elections, committedConfigurations, undecided, violation } =
      result;
    this.seeds += 1;
    addTo(this.#sums, {
      events,
      virtualSeconds,
      committed,
      elections,
      configurations: committedConfigurations,
    });
    addTo(this.#operations, result.operations);
    addTo(this.#snapshots, result.snapshots);
    addTo(this.#reconfigurations, result.membershipChanges);
    addTo(this.#faults, result.faults);
    this.gaveUp += undecided;
    if (violation !== null) this.violations += 1;
  }

  /** Number of answered operations of clients. */
  get answered(): number {
    return this.#operations.changes + this.#operations.reads;
  }

  /** One line of progress. */
  progress(wallMs: number): string {
    const rate = this.seeds / (wallMs / 1000);
    return `${this.seeds} seeds, ${this.#hours()} virtual hours, ${rate.toFixed(1)} seeds per second`;
  }

  lines(wallMs: number): string[] {
    const minutes = wallMs / 60_000;
    const { events, virtualSeconds, committed, elections, configurations } = this.#sums;
    const { done = 0, ...undone } = this.#reconfigurations;
    const others = Object.entries(undone).map(([code, count]) => `${code} ${count}`);
    const { changes, reads, leaseReads, followerReads, unknown } = this.#operations;
    const { compacted = 0, snapshotSent = 0, snapshotFailed = 0, snapshotInstalled = 0 } = this.#snapshots;
    const faults = Object.entries(this.#faults).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return [
      `seeds                 ${this.seeds} (${(this.seeds / (wallMs / 1000)).toFixed(1)} per second)`,
      `virtual hours         ${this.#hours()} (${(virtualSeconds / 3600 / minutes).toFixed(1)} per minute)`,
      `events                ${events}`,
      `terms with a leader   ${elections}`,
      `entries committed     ${committed}`,
      `operations answered   ${this.answered}: ${changes} changes, ${reads} reads`,
      `                      (at followers ${followerReads}, with leases ${leaseReads}); ${unknown} of unknown outcome`,
      `logs compacted        ${compacted}`,
      `snapshots installed   ${snapshotInstalled}; sent ${snapshotSent}, failed ${snapshotFailed}`,
      `membership changes    ${done} done; ${others.join(', ')}; configurations committed ${configurations}`,
      `histories undecided   ${this.gaveUp}`,
      `faults                ${faults.reduce((sum, [, count]) => sum + count, 0)}`,
      ...faults.map(([name, count]) => `  ${name.padEnd(20)}${count}`),
      `wall time             ${(wallMs / 1000).toFixed(1)} s`,
      `violations            ${this.violations}`,
    ];
  }

  #hours(): string {
    return (this.#sums.virtualSeconds / 3600).toFixed(2);
  }
}

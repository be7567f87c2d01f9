/** What many runs add up to, as text. */
import type { RunResult } from '../simulate.js';

export class Totals {
  seeds = 0;
  #events = 0;
  #virtualSeconds = 0;
  #committed = 0;
  #elections = 0;
  answered = 0;
  #unknown = 0;
  gaveUp = 0;
  violations = 0;

  add(result: RunResult): void {
    this.seeds += 1;
    this.#events += result.events;
    this.#virtualSeconds += result.virtualSeconds;
    this.#committed += result.committed;
    this.#elections += result.elections;
    this.answered += result.answered;
    this.#unknown += result.unknown;
    this.gaveUp += result.gaveUp;
    if (result.violation !== null) this.violations += 1;
  }

  /** One line of progress. */
  progress(wallMs: number): string {
    const rate = this.seeds / (wallMs / 1000);
    return `${this.seeds} seeds, ${this.#hours()} simulated hours, ${rate.toFixed(1)} seeds a second`;
  }

  lines(wallMs: number): string[] {
    const minutes = wallMs / 60_000;
    return [
      `seeds                 ${this.seeds} (${(this.seeds / (wallMs / 1000)).toFixed(1)} a second)`,
      `simulated hours       ${this.#hours()} (${(this.#virtualSeconds / 3600 / minutes).toFixed(1)} a minute)`,
      `events                ${this.#events}`,
      `terms with a leader   ${this.#elections}`,
      `entries committed     ${this.#committed}`,
      `operations answered   ${this.answered}, of unknown outcome ${this.#unknown}`,
      `histories given up    ${this.gaveUp}`,
      `wall time             ${(wallMs / 1000).toFixed(1)} s`,
      `violations            ${this.violations}`,
    ];
  }

  #hours(): string {
    return (this.#virtualSeconds / 3600).toFixed(2);
  }
}

/** Detects a hung disk or state machine by the ticks that the work in progress has taken. */

const WORK_KINDS = ['write', 'install', 'receive', 'apply'] as const;

/**
 * The work that a member waits for: `write` writes a batch of the log, `install` replaces state machine and log by a
 * snapshot, `receive` writes a part of an incoming snapshot, `apply` applies entries.
 */
export type WorkKind = (typeof WORK_KINDS)[number];

/** All other work may take this many times as long as a write: a snapshot may have gigabytes. */
const SLOW_WORK_FACTOR = 10;

export class HangDetector {
  readonly #hangTicks: Readonly<Record<WorkKind, number>>;
  /** Ticks that each kind of work has taken; null if it is not in progress. */
  readonly #elapsed: Record<WorkKind, number | null> = {
    write: null,
    install: null,
    receive: null,
    apply: null,
  };

  /** @param hangTicks ticks after which an unfinished write counts as hung */
  constructor(hangTicks: number) {
    const ticks = SLOW_WORK_FACTOR * hangTicks;
    this.#hangTicks = { write: hangTicks, install: ticks, receive: ticks, apply: ticks };
  }

  /** Advances time by one tick. */
  tick(): void {
    for (const work of WORK_KINDS) {
      const ticks = this.#elapsed[work];
      if (ticks !== null) this.#elapsed[work] = ticks + 1;
    }
  }

  /** Starts the clock of a kind of work; at most one of a kind is in progress. */
  begin(work: WorkKind): void {
    this.#elapsed[work] = 0;
  }

  end(work: WorkKind): void {
    this.#elapsed[work] = null;
  }

  /** Whether the disk hangs: this member can then neither lead nor confirm a leader. */
  get isDiskHung(): boolean {
    return this.#hangs('write') || this.#hangs('install') || this.#hangs('receive');
  }

  /** Whether the state machine hangs: this member can then not lead, but still replicates the log. */
  get isStateMachineHung(): boolean {
    return this.#hangs('apply');
  }

  #hangs(work: WorkKind): boolean {
    return (this.#elapsed[work] ?? -1) >= this.#hangTicks[work];
  }
}

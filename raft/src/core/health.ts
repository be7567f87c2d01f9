/** Whether a member's disk or state machine hangs, by how many ticks the work that it was given has taken. */

const WORKS = ['write', 'install', 'receive', 'apply'] as const;

/**
 * What a member waits for: a batch of the log to be written, a snapshot to be made the state machine together with the
 * log's new beginning, a piece of a snapshot that is coming in to be written, entries to be applied.
 */
export type Work = (typeof WORKS)[number];

/** How many times as long as a write all else may take: a snapshot may be of gigabytes. */
const PATIENCE = 10;

export class Health {
  readonly #hangTicks: Readonly<Record<Work, number>>;
  /** Ticks that each kind of work has taken, null for one that is not under way. */
  readonly #waited: Record<Work, number | null> = { write: null, install: null, receive: null, apply: null };

  /** @param hangTicks ticks after which a write that is not done is taken for one that hangs */
  constructor(hangTicks: number) {
    const ticks = PATIENCE * hangTicks;
    this.#hangTicks = { write: hangTicks, install: ticks, receive: ticks, apply: ticks };
  }

  /** One unit of time has passed. */
  tick(): void {
    for (const work of WORKS) {
      const ticks = this.#waited[work];
      if (ticks !== null) this.#waited[work] = ticks + 1;
    }
  }

  /** There is at most one of a kind. */
  begin(work: Work): void {
    this.#waited[work] = 0;
  }

  end(work: Work): void {
    this.#waited[work] = null;
  }

  /**
   * Whether the disk takes so long that this member is of no use as a leader, nor to one: nothing that it does counts
   * before that is over.
   */
  get isDiskHanging(): boolean {
    return this.#hangs('write') || this.#hangs('install') || this.#hangs('receive');
  }

  /** Whether the state machine takes so long that this member is of no use as a leader. Its log is as good as ever. */
  get isMachineHanging(): boolean {
    return this.#hangs('apply');
  }

  #hangs(work: Work): boolean {
    return (this.#waited[work] ?? -1) >= this.#hangTicks[work];
  }
}

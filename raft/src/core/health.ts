/** Whether a member's disk or state machine hangs, by how many ticks the work that it was given has taken. */

/**
 * What a member waits for: a batch of the log to be written, a snapshot to be made the state machine together with the
 * log's new beginning, a piece of a snapshot that is coming in to be written, entries to be applied.
 */
export type Work = 'write' | 'install' | 'receive' | 'apply';

/** How many times as long as a write all else may take: a snapshot may be of gigabytes. */
const PATIENCE = 10;

export class Health {
  readonly #hangTicks: Readonly<Record<Work, number>>;
  /** Ticks that each kind of work under way has taken. */
  readonly #waited = new Map<Work, number>();

  /** @param hangTicks ticks after which a write that is not done is taken for one that hangs */
  constructor(hangTicks: number) {
    const ticks = PATIENCE * hangTicks;
    this.#hangTicks = { write: hangTicks, install: ticks, receive: ticks, apply: ticks };
  }

  /** One unit of time has passed. */
  tick(): void {
    for (const [work, ticks] of this.#waited) this.#waited.set(work, ticks + 1);
  }

  /** There is at most one of a kind. */
  begin(work: Work): void {
    this.#waited.set(work, 0);
  }

  end(work: Work): void {
    this.#waited.delete(work);
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
    return (this.#waited.get(work) ?? -1) >= this.#hangTicks[work];
  }
}

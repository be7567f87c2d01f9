/** Whether a member's disk hangs, by how many ticks the work that it was given has taken. */

/**
 * What the disk is given: a batch of the log, a snapshot to be made the state machine together with the log's new
 * beginning, or a piece of a snapshot that is coming in.
 */
export type DiskWork = 'write' | 'install' | 'receive';

/** How many times as long as a write a step of a snapshot may take: it may be of gigabytes. */
const SNAPSHOT_PATIENCE = 10;

export class DiskHealth {
  readonly #hangTicks: Readonly<Record<DiskWork, number>>;
  /** Ticks that each kind of work under way has taken. */
  readonly #waited = new Map<DiskWork, number>();

  /** @param hangTicks ticks after which a write that is not done is taken for one that hangs */
  constructor(hangTicks: number) {
    const snapshotTicks = SNAPSHOT_PATIENCE * hangTicks;
    this.#hangTicks = { write: hangTicks, install: snapshotTicks, receive: snapshotTicks };
  }

  /** One unit of time has passed. */
  tick(): void {
    for (const [work, ticks] of this.#waited) this.#waited.set(work, ticks + 1);
  }

  /** There is at most one of a kind. */
  begin(work: DiskWork): void {
    this.#waited.set(work, 0);
  }

  end(work: DiskWork): void {
    this.#waited.delete(work);
  }

  /**
   * Whether the disk takes so long that this member is of no use as a leader, nor to one: nothing that it does counts
   * before that is over.
   */
  get isHanging(): boolean {
    for (const [work, ticks] of this.#waited) if (ticks >= this.#hangTicks[work]) return true;
    return false;
  }
}

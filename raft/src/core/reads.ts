/**
 * Reads that wait for a majority to confirm the leader (ReadIndex: Raft 8, thesis 6.4). All that arrived while a round
 * was out travel in the next one, so there is at most one round in flight however many reads there are.
 */
import { RaftError } from './errors.js';
import type { LogIndex, ReadGrant } from './types.js';

export class ReadQueue {
  readonly #sizeMax: number;
  #waiting: number[] = [];
  #open: readonly number[] = [];
  #openIndex: LogIndex = 0;
  #round = 0;
  #granted: ReadGrant[] = [];

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** The number of the latest round; heartbeats carry it and are answered with it. */
  get round(): number {
    return this.#round;
  }

  /** @throws RaftError `OVERLOADED` at the bound. */
  add(id: number): void {
    if (this.#waiting.length + this.#open.length >= this.#sizeMax) {
      throw new RaftError('OVERLOADED', `${this.#sizeMax} reads wait already`);
    }
    this.#waiting.push(id);
  }

  /** Opens a round at commit index `commit` for all that wait, unless one is out. Returns whether it did. */
  openRound(commit: LogIndex): boolean {
    if (this.#open.length > 0 || this.#waiting.length === 0) return false;
    this.#open = this.#waiting;
    this.#waiting = [];
    this.#openIndex = commit;
    this.#round += 1;
    return true;
  }

  /** A majority has answered the open round. */
  grantOpenRound(): void {
    for (const id of this.#open) this.#granted.push({ id, index: this.#openIndex });
    this.#open = [];
  }

  takeGranted(): readonly ReadGrant[] {
    const granted = this.#granted;
    this.#granted = [];
    return granted;
  }

  /** Empties the queue; what was granted and not yet taken is lost as well, as its grant may be asked for again. */
  abandon(): readonly number[] {
    const lost = [...this.#granted.map((grant) => grant.id), ...this.#open, ...this.#waiting];
    this.#granted = [];
    this.#open = [];
    this.#waiting = [];
    return lost;
  }
}

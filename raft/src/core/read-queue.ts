/**
 * Reads that wait for a quorum to confirm the leader (ReadIndex: Raft 8, thesis 6.4): the leader's own and
 * those of followers. Reads that arrive during a round share the next one, so that any number of reads needs at
 * most one round in flight.
 */
import { RaftError } from './errors.js';
import type { LogIndex, NodeId, ReadGrant } from './types.js';

/** A read of the leader's own driver, by its id, or of a follower, by the follower's request number. */
type ReadOrigin = number | { readonly from: NodeId; readonly request: number };

/** A granted read of a follower. */
interface RemoteGrant {
  readonly to: NodeId;
  readonly request: number;
  readonly index: LogIndex;
}

export class ReadQueue {
  readonly #sizeMax: number;
  #waiting: ReadOrigin[] = [];
  #open: readonly ReadOrigin[] = [];
  #openIndex: LogIndex = 0;
  #openRound = 0;
  #round = 0;
  #granted: ReadGrant[] = [];
  #remoteGranted: RemoteGrant[] = [];

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** The number of the latest round; heartbeats and their answers carry it. */
  get round(): number {
    return this.#round;
  }

  get hasRoom(): boolean {
    return this.#waiting.length + this.#open.length < this.#sizeMax;
  }

  /** @throws RaftError `OVERLOADED` at the limit. */
  add(origin: ReadOrigin): void {
    if (!this.hasRoom) {
      throw new RaftError('OVERLOADED', `${this.#sizeMax} reads are already waiting; retry later`);
    }
    this.#waiting.push(origin);
  }

  /** Starts a new round number for the heartbeats that follow, with or without pending reads. */
  startRound(): void {
    this.#round += 1;
  }

  /** Opens a round at commit index `commit` for all waiting reads, unless one is open. Returns whether it did. */
  openRound(commit: LogIndex): boolean {
    if (this.#open.length > 0 || this.#waiting.length === 0) return false;
    this.#open = this.#waiting;
    this.#waiting = [];
    this.#openIndex = commit;
    this.startRound();
    this.#openRound = this.#round;
    return true;
  }

  /** A quorum has confirmed `round`. */
  onRoundConfirmed(round: number): void {
    if (round < this.#openRound) return;
    const index = this.#openIndex;
    for (const origin of this.#open) {
      if (typeof origin === 'number') this.#granted.push({ id: origin, index });
      else this.#remoteGranted.push({ to: origin.from, request: origin.request, index });
    }
    this.#open = [];
  }

  takeGranted(): readonly ReadGrant[] {
    const granted = this.#granted;
    this.#granted = [];
    return granted;
  }

  takeRemoteGranted(): readonly RemoteGrant[] {
    const granted = this.#remoteGranted;
    this.#remoteGranted = [];
    return granted;
  }

  /**
   * Empties the queue and returns the ids of the leader's own reads, granted but untaken ones included.
   * Followers fail their reads themselves when their leader changes.
   */
  failAll(): readonly number[] {
    const own = [...this.#open, ...this.#waiting].filter((origin) => typeof origin === 'number');
    const lost = this.#granted.map((grant) => grant.id).concat(own);
    this.#granted = [];
    this.#open = [];
    this.#waiting = [];
    return lost;
  }
}

/**
 * Reads that wait for a quorum to confirm the leader (ReadIndex: Raft 8, thesis 6.4), its own and those that followers
 * ask for. All that arrived while a round was out travel in the next one, so there is at most one round in flight
 * however many reads there are.
 */
import { RaftError } from './errors.js';
import type { LogIndex, NodeId, ReadGrant } from './types.js';

/** A read of the leader's own driver, by its id, or of a follower, by its number there. */
type ReadOrigin = number | { readonly from: NodeId; readonly request: number };

/** A read of a follower that is granted. */
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

  /** The number of the latest round; heartbeats carry it and are answered with it. */
  get round(): number {
    return this.#round;
  }

  get hasRoom(): boolean {
    return this.#waiting.length + this.#open.length < this.#sizeMax;
  }

  /** @throws RaftError `OVERLOADED` at the bound. */
  add(origin: ReadOrigin): void {
    if (!this.hasRoom) throw new RaftError('OVERLOADED', `${this.#sizeMax} reads wait already`);
    this.#waiting.push(origin);
  }

  /** Numbers the heartbeats that follow anew, whether reads wait or not. */
  nextRound(): void {
    this.#round += 1;
  }

  /** Opens a round at commit index `commit` for all that wait, unless one is out. Returns whether it did. */
  openRound(commit: LogIndex): boolean {
    if (this.#open.length > 0 || this.#waiting.length === 0) return false;
    this.#open = this.#waiting;
    this.#waiting = [];
    this.#openIndex = commit;
    this.nextRound();
    this.#openRound = this.#round;
    return true;
  }

  /** A quorum has answered `round`. */
  confirmed(round: number): void {
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
   * Empties the queue; what was granted and not yet taken is lost as well, as its grant may be asked for again. Returns
   * the leader's own: a follower notices that its leader is gone.
   */
  abandon(): readonly number[] {
    const own = [...this.#open, ...this.#waiting].filter((origin) => typeof origin === 'number');
    const lost = this.#granted.map((grant) => grant.id).concat(own);
    this.#granted = [];
    this.#open = [];
    this.#waiting = [];
    return lost;
  }
}

/**
 * A leader's hand-over to another voter (thesis 3.10): that one is told to campaign once its log is complete, again with
 * each heartbeat, until an election timeout has passed. It campaigns at the first and is past this term then.
 */
import { RaftError } from './errors.js';
import type { Followers, LeaderContext } from './followers.js';
import type { NodeId } from './types.js';

export class HandOver {
  readonly #context: LeaderContext;
  readonly #followers: Followers;
  #to: NodeId | null = null;
  #elapsed = 0;

  constructor(context: LeaderContext, followers: Followers) {
    this.#context = context;
    this.#followers = followers;
  }

  /** While it is, the leader takes nothing that would make its successor's log incomplete again. */
  get isUnderWay(): boolean {
    return this.#to !== null;
  }

  /** @throws RaftError `BAD_CONFIG` if it is no other voter. */
  begin(to: NodeId): void {
    const { config, log } = this.#context;
    if (to === config.id || !log.memberships.inForce.voters.includes(to)) {
      throw new RaftError('BAD_CONFIG', `${to} is not another voter`);
    }
    this.#to = to;
    this.#elapsed = 0;
    const progress = this.#followers.get(to);
    if (progress !== undefined) progress.probeSent = false;
    this.advance();
  }

  /** One unit of time has passed; the hand-over is given up after an election timeout. */
  tick(): void {
    if (this.#to === null) return;
    this.#elapsed += 1;
    if (this.#elapsed >= this.#context.config.electionTicks) this.#to = null;
  }

  /** Tells the successor if its log is complete. */
  advance(): void {
    const { config, log, term, send } = this.#context;
    if (this.#to === null || this.#followers.get(this.#to)?.match !== log.lastIndex) return;
    send({ type: 'timeoutNow', from: config.id, to: this.#to, term });
  }

  /** Another configuration is in force: who has no vote in it cannot take over. */
  membershipChanged(): void {
    if (this.#to !== null && !this.#context.log.memberships.inForce.voters.includes(this.#to))
      this.#to = null;
  }

  /**
   * Who leads with a disk that hangs sends heartbeats and entries, but applies nothing. It gives way as soon as another
   * voter's disk has shown to be faster: that one campaigns at once. Where all disks hang alike, as they do when they are
   * one, nothing would be won. Returns whether it does.
   */
  giveWay(successor: NodeId | null): boolean {
    const { config, log, term, send } = this.#context;
    if (successor === null || (this.#followers.get(successor)?.match ?? 0) <= log.stableIndex) return false;
    send({ type: 'timeoutNow', from: config.id, to: successor, term });
    return true;
  }
}

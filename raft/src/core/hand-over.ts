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
  /** Ticks in a row that the own disk has hung while another was ahead of it. */
  #outrunTicks = 0;

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
   * Who leads with a disk that hangs sends heartbeats and entries, but applies nothing. It gives way once another voter's
   * disk has been ahead of it for an election timeout, in which the own was no faster: that one campaigns at once. Where
   * all disks are slow alike, as they are when they are one, each is ahead of the others now and then, and nothing would
   * be won. To be asked once a tick; returns whether it does.
   */
  givesWay(isDiskHanging: boolean, successor: NodeId | null): boolean {
    const { config, log, term, send } = this.#context;
    const match = successor === null ? 0 : (this.#followers.get(successor)?.match ?? 0);
    this.#outrunTicks = isDiskHanging && match > log.stableIndex ? this.#outrunTicks + 1 : 0;
    if (successor === null || this.#outrunTicks < config.electionTicks) return false;
    send({ type: 'timeoutNow', from: config.id, to: successor, term });
    return true;
  }
}

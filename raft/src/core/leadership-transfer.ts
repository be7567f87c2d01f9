/**
 * A leader's transfer of leadership to another voter (thesis 3.10): that one is told to campaign once its log is complete,
 * again with each heartbeat, until an election timeout has passed. It campaigns at the first and is past this term then.
 *
 * Meanwhile the leader takes no proposals, so transfers that fail have to leave time for them, however often and for whom
 * they are asked: each tick of a transfer is owed a tick without one before the next may begin, up to a bound. A member
 * that is stopping takes no proposals afterwards anyway, and need not wait.
 */
import { RaftError } from './errors.js';
import type { Followers, LeaderContext } from './followers.js';
import type { NodeId } from './types.js';

/** Election timeouts, at most, that a transfer has to wait for after earlier ones, however long those lasted. */
const OWED_TIMEOUTS_MAX = 2;

export class LeadershipTransfer {
  readonly #context: LeaderContext;
  readonly #followers: Followers;
  readonly #onBegin: () => void;
  #to: NodeId | null = null;
  /** Ticks since the target was first asked for. */
  #elapsed = 0;
  /** Ticks during which proposals were blocked, less those since; at most `OWED_TIMEOUTS_MAX` election timeouts. */
  #owedTicks = 0;
  /** Ticks in a row that the own disk has hung while another was ahead of it. */
  #outrunTicks = 0;

  /** @param onBegin called for each transfer that begins: from then on another leader may be elected at any time */
  constructor(context: LeaderContext, followers: Followers, onBegin: () => void) {
    this.#context = context;
    this.#followers = followers;
    this.#onBegin = onBegin;
  }

  /** While it is, the leader takes nothing that would make its successor's log incomplete again. */
  get isUnderWay(): boolean {
    return this.#to !== null;
  }

  /**
   * Begins a transfer that a caller asks for. To ask again for the same target changes nothing.
   * @param isStopping whether this member stops next, so that it need not leave time for proposals
   * @throws RaftError `BAD_CONFIG` if `to` is no other voter; `TRANSFER_REFUSED` if a transfer to another one is under way,
   *   `to` is silent, or transfers have failed just before.
   */
  request(to: NodeId, isStopping: boolean): void {
    const { config, log } = this.#context;
    if (to === config.id || !log.memberships.inForce.voters.includes(to)) {
      throw new RaftError('BAD_CONFIG', `${to} is not another voter`);
    }
    if (to === this.#to) return;
    if (this.#to !== null) throw refused(`a transfer to ${this.#to} is under way. Try again once it is over`);
    if (!this.#followers.isActive(to)) {
      throw refused(`${to} has not answered for an election timeout. Start it, or choose another voter`);
    }
    if (!isStopping && this.#owedTicks > 0) {
      throw refused(`earlier transfers have blocked proposals. Try again in ${this.#owedTicks} ticks`);
    }
    this.begin(to);
  }

  /** Begins a transfer to a voter, whatever happened before. */
  begin(to: NodeId): void {
    this.#onBegin();
    this.#to = to;
    this.#elapsed = 0;
    const progress = this.#followers.get(to);
    if (progress !== undefined) progress.probeSent = false;
    this.advance();
  }

  /** Gives up the transfer under way, if there is one. A target that was told to campaign already may still win. */
  cancel(): void {
    this.#to = null;
  }

  /** One unit of time has passed; the transfer is given up after an election timeout. */
  tick(): void {
    if (this.#to === null) {
      this.#owedTicks = Math.max(0, this.#owedTicks - 1);
      return;
    }
    const { electionTicks } = this.#context.config;
    this.#elapsed += 1;
    this.#owedTicks = Math.min(this.#owedTicks + 1, OWED_TIMEOUTS_MAX * electionTicks);
    if (this.#elapsed >= electionTicks) this.cancel();
  }

  /** Tells the successor if its log is complete. */
  advance(): void {
    const { config, log, term, send } = this.#context;
    if (this.#to === null || this.#followers.get(this.#to)?.match !== log.lastIndex) return;
    send({ type: 'timeoutNow', from: config.id, to: this.#to, term });
  }

  /** Another configuration is in force: who has no vote in it cannot take over. */
  membershipChanged(): void {
    if (this.#to !== null && !this.#context.log.memberships.inForce.voters.includes(this.#to)) this.cancel();
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

function refused(why: string): RaftError {
  return new RaftError('TRANSFER_REFUSED', `leadership was not transferred: ${why}.`);
}

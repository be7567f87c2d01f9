/**
 * A leader's transfer of leadership to another voter (thesis 3.10). Once the target's log is complete, the
 * leader tells it to campaign, and repeats this with each heartbeat until an election timeout has passed. The
 * target campaigns at the first message, which ends this term.
 *
 * The leader accepts no proposals during a transfer. To leave time for proposals, each tick of a transfer
 * requires a tick without one before the next may start, up to a limit, for any target. A stopping member need
 * not wait.
 */
import { RaftError } from './errors.js';
import type { FollowerSet, LeaderContext } from './followers.js';
import type { NodeId } from './types.js';

/** Maximum election timeouts that a transfer must wait after earlier ones. */
const COOLDOWN_TIMEOUTS_MAX = 2;

export class LeadershipTransfer {
  readonly #context: LeaderContext;
  readonly #followers: FollowerSet;
  readonly #onBegin: () => void;
  #to: NodeId | null = null;
  /** Number of transfers started in this term. */
  #started = 0;
  /** Ticks since the transfer started. */
  #elapsed = 0;
  /** Ticks to wait before the next transfer: those that blocked proposals, less those since. */
  #cooldownTicks = 0;
  /** Consecutive ticks in which this leader's disk hung while another voter had more entries on disk. */
  #ticksBehindOnDisk = 0;

  /** @param onBegin called for each transfer that starts: from then on another leader may be elected at any time */
  constructor(context: LeaderContext, followers: FollowerSet, onBegin: () => void) {
    this.#context = context;
    this.#followers = followers;
    this.#onBegin = onBegin;
  }

  /**
   * Whether a transfer is in progress; the leader then appends nothing, so that its successor's log stays
   * complete.
   */
  get isInProgress(): boolean {
    return this.#to !== null;
  }

  /** The number of the transfer in progress, from 1 in each term; null if there is none. */
  get number(): number | null {
    return this.#to === null ? null : this.#started;
  }

  /**
   * Starts a transfer on request. A repeated request for the same target changes nothing.
   * @param isStopping whether this member stops next, so that it need not leave time for proposals
   * @throws RaftError `BAD_CONFIG` if `to` is not another voter; `TRANSFER_REFUSED` if a transfer to another
   *   member is in progress, `to` does not answer, or transfers have failed recently.
   */
  request(to: NodeId, isStopping: boolean): void {
    if (!this.#isOtherVoter(to)) {
      throw new RaftError('BAD_CONFIG', `leadership was not transferred: ${to} is not another voter`);
    }
    if (to === this.#to) return;
    if (this.#to !== null) throw refused(`a transfer to ${this.#to} is in progress. Retry once it has ended`);
    if (!this.#followers.isActive(to)) {
      throw refused(`${to} has not answered for an election timeout. Start it, or choose another voter`);
    }
    if (!isStopping && this.#cooldownTicks > 0) {
      throw refused(`earlier transfers have blocked proposals. Retry in ${this.#cooldownTicks} ticks`);
    }
    this.start(to);
  }

  /** Starts a transfer to a voter unconditionally. */
  start(to: NodeId): void {
    this.#onBegin();
    this.#to = to;
    this.#started += 1;
    this.#elapsed = 0;
    const progress = this.#followers.get(to);
    if (progress !== undefined) progress.probeSent = false;
    this.sendTimeoutNow();
  }

  /**
   * Cancels the transfer in progress, if any. If its target was already told to campaign, the target may still
   * win.
   */
  cancel(): void {
    this.#to = null;
  }

  /** Advances time by one tick; cancels the transfer after an election timeout. */
  tick(): void {
    if (this.#to === null) {
      this.#cooldownTicks = Math.max(0, this.#cooldownTicks - 1);
      return;
    }
    const { electionTicks } = this.#context.config;
    this.#elapsed += 1;
    this.#cooldownTicks = Math.min(this.#cooldownTicks + 1, COOLDOWN_TIMEOUTS_MAX * electionTicks);
    if (this.#elapsed >= electionTicks) this.cancel();
  }

  /** Tells the target to campaign if its log is complete. */
  sendTimeoutNow(): void {
    const { config, log, term, send } = this.#context;
    if (this.#to === null || this.#followers.get(this.#to)?.match !== log.lastIndex) return;
    send({ type: 'timeoutNow', from: config.id, to: this.#to, term });
  }

  /** Another configuration is in force: cancels the transfer if its target is no longer a voter. */
  onMembershipChanged(): void {
    if (this.#to !== null && !this.#isOtherVoter(this.#to)) this.cancel();
  }

  /** The rule for a target: another voter, in a joint configuration a voter of the new one. */
  #isOtherVoter(member: NodeId): boolean {
    const { config, log } = this.#context;
    return member !== config.id && log.memberships.current.voters.includes(member);
  }

  /**
   * Whether a leader with a hung disk should step down, called once a tick. Such a leader sends heartbeats and
   * entries but applies nothing. If another voter's disk was ahead for a whole election timeout, tells that
   * voter to campaign and returns true. If all disks are equally slow, such as members on one disk, each is
   * ahead at times, and a new leader would be no better.
   */
  shouldStepDown(isDiskHanging: boolean, successor: NodeId | null): boolean {
    const { config, log, term, send } = this.#context;
    const match = successor === null ? 0 : (this.#followers.get(successor)?.match ?? 0);
    this.#ticksBehindOnDisk = isDiskHanging && match > log.stableIndex ? this.#ticksBehindOnDisk + 1 : 0;
    if (successor === null || this.#ticksBehindOnDisk < config.electionTicks) return false;
    send({ type: 'timeoutNow', from: config.id, to: successor, term });
    return true;
  }
}

function refused(why: string): RaftError {
  return new RaftError('TRANSFER_REFUSED', `leadership was not transferred: ${why}.`);
}

/**
 * Messages on their way out, and the one rule about them: what speaks of state that must be durable is held until a
 * persist that covers it has finished. There is one persist at a time; all that gathers meanwhile goes into the next.
 */
import { invariant } from './errors.js';
import type { VotingState } from './voting-state.js';
import type { Health, Work } from './health.js';
import type { RaftLog } from './log.js';
import type { Entry, HardState, Message, PersistBatch } from './types.js';

interface UnderWay {
  readonly isInstall: boolean;
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly held: readonly Message[];
}

const workOf = ({ isInstall }: UnderWay): Work => (isInstall ? 'install' : 'write');

export class Outbox {
  readonly #log: RaftLog;
  readonly #voting: VotingState;
  #sendable: Message[] = [];
  #held: Message[] = [];
  #underWay: UnderWay | null = null;
  readonly #health: Health;

  constructor(log: RaftLog, voting: VotingState, health: Health) {
    this.#health = health;
    this.#log = log;
    this.#voting = voting;
  }

  /** Whether this member is of no use as a leader, nor to one, as its disk takes too long. */
  get isDiskHanging(): boolean {
    return this.#health.isDiskHanging;
  }

  /** Whether the disk has the term that this member is in, and its vote. */
  get isBallotDurable(): boolean {
    return this.#voting.isWritten && (this.#underWay === null || this.#underWay.hardState === null);
  }

  /** Sends without waiting for the disk. */
  send(message: Message): void {
    this.#sendable.push(message);
  }

  /**
   * Sends once everything that the log and the voting hold now is durable. At most one message of a type is held for
   * a member, the latest; of acknowledgements the furthest, as it says what all of them say. So however long the disk
   * takes and however often a leader asks again, what is held stays small.
   */
  hold(message: Message): void {
    const place = this.#held.findIndex(({ to, type }) => to === message.to && type === message.type);
    const earlier = this.#held[place];
    if (earlier === undefined) this.#held.push(message);
    else if (!saysMore(earlier, message)) this.#held[place] = message;
  }

  takeSendable(): readonly Message[] {
    const sendable = this.#sendable;
    this.#sendable = [];
    return sendable;
  }

  /** The next batch to write; null if there is nothing to write or one is under way. */
  takePersist(): PersistBatch | null {
    if (this.#underWay !== null) return null;
    const hardState = this.#voting.takeUnwritten();
    const entries = [...this.#log.unstable];
    const base = this.#log.takeBase();
    if (entries.length === 0 && hardState === null && base === null) return null;
    this.#underWay = { isInstall: base !== null, hardState, entries, held: this.#held };
    this.#held = [];
    this.#health.begin(workOf(this.#underWay));
    return base === null ? { hardState, entries } : { base, hardState, entries };
  }

  /** The batch under way is durable; returns what it held back. */
  persisted(): readonly Message[] {
    const underWay = this.#underWay;
    invariant(underWay !== null, 'persisted without a batch under way');
    this.#underWay = null;
    this.#health.end(workOf(underWay));
    if (underWay.isInstall) this.#log.installed();
    this.#log.persisted(underWay.entries);
    return underWay.held;
  }

  /** What is held though all is durable that it speaks of. To be asked right after `takePersist`. */
  takeHeldForNothing(): readonly Message[] {
    if (this.#underWay !== null) return [];
    const held = this.#held;
    this.#held = [];
    return held;
  }
}

/** Whether `earlier` acknowledges more of the same leader's log than `later`, as appends may overtake each other. */
function saysMore(earlier: Message, later: Message): boolean {
  return (
    earlier.type === 'appendAccepted' &&
    later.type === 'appendAccepted' &&
    earlier.term === later.term &&
    earlier.match > later.match
  );
}

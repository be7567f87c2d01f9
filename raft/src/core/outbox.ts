/**
 * Outgoing messages. A message that depends on durable state is held until a persist that covers this state has
 * finished. There is one persist at a time; state that changes meanwhile goes into the next one.
 */
import { invariant } from './errors.js';
import type { VotingState } from './voting-state.js';
import type { HangDetector, WorkKind } from './health.js';
import type { RaftLog } from './log.js';
import type { Entry, HardState, Message, PersistBatch } from './types.js';

/** The batch being written, with the messages that wait for it. */
interface PendingPersist {
  readonly isInstall: boolean;
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly held: readonly Message[];
}

const workOf = ({ isInstall }: PendingPersist): WorkKind => (isInstall ? 'install' : 'write');

export class Outbox {
  readonly #log: RaftLog;
  readonly #voting: VotingState;
  #sendable: Message[] = [];
  #held: Message[] = [];
  #pending: PendingPersist | null = null;
  readonly #health: HangDetector;

  constructor(log: RaftLog, voting: VotingState, health: HangDetector) {
    this.#health = health;
    this.#log = log;
    this.#voting = voting;
  }

  /** Whether this member's disk hangs, so that it can neither lead nor confirm a leader. */
  get isDiskHung(): boolean {
    return this.#health.isDiskHung;
  }

  /** Whether the current term and vote are on disk. */
  get isHardStateDurable(): boolean {
    return this.#voting.isHandedOut && (this.#pending === null || this.#pending.hardState === null);
  }

  /** Sends without waiting for the disk. */
  send(message: Message): void {
    this.#sendable.push(message);
  }

  /**
   * Sends the message once the current log, term and vote are durable. Holds at most one message of a type for
   * a member: the latest, or of acknowledgements the one with the highest match, which implies the others. This
   * bounds the held messages while a disk hangs and a leader repeats its requests.
   */
  sendWhenDurable(message: Message): void {
    const position = this.#held.findIndex(({ to, type }) => to === message.to && type === message.type);
    const earlier = this.#held[position];
    if (earlier === undefined) this.#held.push(message);
    else if (!acknowledgesMore(earlier, message)) this.#held[position] = message;
  }

  takeSendable(): readonly Message[] {
    const sendable = this.#sendable;
    this.#sendable = [];
    return sendable;
  }

  /** The next batch to write; null if there is nothing to write or a batch is being written. */
  takePersist(): PersistBatch | null {
    if (this.#pending !== null) return null;
    const hardState = this.#voting.takeChanged();
    const entries = [...this.#log.unstable];
    const base = this.#log.takeSnapshotBase();
    if (entries.length === 0 && hardState === null && base === null) return null;
    this.#pending = { isInstall: base !== null, hardState, entries, held: this.#held };
    this.#held = [];
    this.#health.begin(workOf(this.#pending));
    return base === null ? { hardState, entries } : { base, hardState, entries };
  }

  /** The batch being written is durable; returns the messages that waited for it. */
  onPersisted(): readonly Message[] {
    const batch = this.#pending;
    invariant(batch !== null, 'persisted() was called, but no batch is being written');
    this.#pending = null;
    this.#health.end(workOf(batch));
    if (batch.isInstall) this.#log.onSnapshotInstalled();
    this.#log.onPersisted(batch.entries);
    return batch.held;
  }

  /** Held messages whose state is already durable. Call it right after `takePersist`. */
  takeDurableHeld(): readonly Message[] {
    if (this.#pending !== null) return [];
    const held = this.#held;
    this.#held = [];
    return held;
  }
}

/** Whether `earlier` acknowledges more of the same leader's log than `later`: appends may arrive out of order. */
function acknowledgesMore(earlier: Message, later: Message): boolean {
  return (
    earlier.type === 'appendAccepted' &&
    later.type === 'appendAccepted' &&
    earlier.term === later.term &&
    earlier.match > later.match
  );
}

/**
 * The transport interface of the driver. A transport may lose, delay, repeat and reorder messages, but not
 * change them.
 */
import type { LogBase, Message, NodeId, Term } from '../core/types.js';

/** A snapshot of a leader's state machine in transfer. */
export interface SnapshotTransfer {
  /** The leader. */
  readonly from: NodeId;
  /** The follower. */
  readonly to: NodeId;
  /** The leader's term. */
  readonly term: Term;
  /** The last log entry that the snapshot includes. */
  readonly base: LogBase;
  /** The bytes of the snapshot; may be read once. The size of the chunks has no meaning. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * A snapshot being received. Its `chunks` throw if it is truncated, damaged, cancelled or makes no progress.
 */
export interface IncomingSnapshot extends SnapshotTransfer {
  /** Cancels the transfer. */
  cancel(): void;
}

/** The callbacks of a transport. Calls come one at a time, and never from inside `send`. */
export interface TransportHandler {
  /**
   * Called for a message from a member of this cluster to this member. A transport may also deliver messages
   * of members that it does not know: a leader that was added meanwhile may be one of them.
   */
  onMessage(message: Message): void;
  /** Called when messages to `peer` were lost or may have been: the link broke, or its queue was full. */
  onUnreachable(peer: NodeId): void;
  /** Called when an open link from or to `peer` broke, which hints at a dead process. */
  onLinkLost(peer: NodeId): void;
  /**
   * Called for a snapshot from a member of this cluster to this member. Resolves once it is installed and
   * durable; the transport reports a rejection to the sender.
   */
  onSnapshot(snapshot: IncomingSnapshot): Promise<void>;
}

/**
 * Transports messages and snapshots between a member and its peers. Run `transportConformance` and
 * `transportSnapshotConformance` of `@trireme/raft/testing` on each implementation.
 */
export interface Transport {
  /** Longest message in its encoding, in bytes; absent if there is no bound. */
  readonly messageBytesMax?: number;
  /** Starts receiving and dialing. Called once. */
  start(handler: TransportHandler): Promise<void>;
  /**
   * Queues a message. Never blocks and never throws; a message that does not fit is dropped and reported as
   * unreachable.
   */
  send(message: Message): void;
  /** The peers that this member sends to and receives from. */
  peers(): readonly NodeId[];
  /**
   * Adds a peer: its messages are accepted, and messages to it are sent to `address`, or to its known address
   * if `address` is empty. An unusable address is reported and not dialed; it does not throw, because it
   * comes from the log.
   */
  addPeer(peer: NodeId, address: string): void;
  /**
   * Removes a peer: it is refused from now on. Messages that are queued for it are sent first, among them the
   * final append with its removal. The id of a removed member must not be reused for another member.
   */
  removePeer(peer: NodeId): void;
  /**
   * The group has switched to this version of the protocol between its members, or may switch to it with an entry that
   * is not committed yet: from now on the transport refuses peers that do not speak it. A lower version than before
   * means that this entry was replaced. Absent if the transport has only one version.
   */
  setVersion?(version: number): void;
  /**
   * Sends a snapshot as fast as the receiver consumes it, without delaying messages. Resolves once the
   * receiver has accepted it; rejects if the receiver refuses it, cannot be reached or makes no progress, or
   * when `signal` is aborted. A slow transfer does not fail: progress is what the receiver has consumed, not
   * what this member has sent.
   */
  sendSnapshot(snapshot: SnapshotTransfer, signal: AbortSignal): Promise<void>;
  /** Sends queued messages where possible, then closes every link. */
  stop(): Promise<void>;
}

/** What the driver needs of a network: it may lose, delay, repeat and reorder messages, never change them. */
import type { LogBase, Message, NodeId, Term } from '../core/types.js';

/** A snapshot of a leader's state machine on its way. */
export interface SnapshotTransfer {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The leader's. */
  readonly term: Term;
  /** Where in the log the snapshot was taken. */
  readonly base: LogBase;
  /** The snapshot's bytes, to be read once. How they are cut means nothing. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** One that is coming in. Its `chunks` throw where it is cut, damaged, cancelled or does not go on. */
export interface IncomingSnapshot extends SnapshotTransfer {
  /** Gives it up. */
  cancel(): void;
}

/** What a transport tells the driver. Calls come one at a time, and never from inside `send`. */
export interface TransportHandler {
  /**
   * A message from a member of this cluster, addressed to this member. A transport may also bring those of members that
   * it was not told of, as a leader that was let in meanwhile may be one.
   */
  message(message: Message): void;
  /** Messages to `peer` were lost or may have been: the link broke, or its queue was full. */
  unreachable(peer: NodeId): void;
  /** A link from or to `peer` that had been open broke, as all of them do at once when its process dies. A hint. */
  linkLost(peer: NodeId): void;
  /**
   * A snapshot from a known member of this cluster, addressed to this member. Resolves once it is taken and durable;
   * a rejection tells the sender that it is not.
   */
  snapshot(snapshot: IncomingSnapshot): Promise<void>;
}

/** A member's network: messages to its peers and from them, and snapshots. */
export interface Transport {
  /** Longest message that it carries, in bytes as it encodes them; absent where there is no bound. */
  readonly messageBytesMax?: number;
  /** Starts to receive and to dial. Called once. */
  start(handler: TransportHandler): Promise<void>;
  /** Queues a message. Never blocks and never throws; what does not fit is dropped and reported as unreachable. */
  send(message: Message): void;
  /** Everyone whom this member sends to and hears. */
  peers(): readonly NodeId[];
  /**
   * From now on `peer` is heard, and sent to at `address`; where that is empty, at the one that is known already. What
   * the transport cannot use as an address is reported and not dialed: it is in the log, and must stop no one.
   */
  addPeer(peer: NodeId, address: string): void;
  /**
   * From now on `peer` is refused. What is queued for it leaves first; a last message tells it why. An id that was
   * removed is not given to another member.
   */
  removePeer(peer: NodeId): void;
  /**
   * Sends a snapshot, beside the messages and without holding them up, as fast as the receiver takes it. Resolves once
   * it has; rejects where it refuses, cannot be reached or makes no progress, or when `signal` is aborted. Slow is no
   * failure: progress is what the receiver has taken, not what has left here.
   */
  sendSnapshot(snapshot: SnapshotTransfer, signal: AbortSignal): Promise<void>;
  /** Hands what is queued to the sockets where it can, then closes every link. */
  stop(): Promise<void>;
}

/** What the driver needs of a network: it may lose, delay, repeat and reorder messages, never change them. */
import type { Message, NodeId } from '../core/types.js';

export interface TransportHandler {
  /** A message from a known member of this cluster, addressed to this member. */
  message(message: Message): void;
  /** Messages to `peer` were lost or may have been: the link broke, or its queue was full. */
  unreachable(peer: NodeId): void;
  /** A link from or to `peer` that had been open broke, as all of them do at once when its process dies. A hint. */
  linkLost(peer: NodeId): void;
}

export interface Transport {
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
  /** From now on `peer` is refused. What is queued for it leaves first; a last message tells it why. */
  removePeer(peer: NodeId): void;
  /** Hands what is queued to the sockets where it can, then closes every link. */
  stop(): Promise<void>;
}

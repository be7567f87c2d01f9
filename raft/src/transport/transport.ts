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
  /** Hands what is queued to the sockets where it can, then closes every link. */
  stop(): Promise<void>;
}

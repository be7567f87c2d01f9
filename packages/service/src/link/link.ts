/**
 * A link: a long-lived, ordered, bidirectional stream of messages between two processes of a cluster. Messages are
 * MessagePack values, which the receiver validates. A broken link is not repaired: the dialer opens a new one, and both
 * sides treat the result of every unanswered request as unknown.
 */
export interface Link {
  /** Unique in this process. */
  readonly id: number;
  /** Name that the other process sent when the link opened, such as `frontend-1`. */
  readonly peer: string;
  /** The version of the protocol that both processes speak on this link. */
  readonly version: number;
  readonly isClosed: boolean;
  /**
   * Queues a message. Messages of one turn of the event loop are sent in one write. Returns false if the link is closed.
   * A full queue closes the link as well, so that no message is missing between others.
   */
  send(message: unknown): boolean;
  /** Closes the link at once. The handler's `closed` is called with the reason. A second call does nothing. */
  close(reason: string): void;
}

/** Callbacks of a link. They are called one at a time, and never from inside `send` or `close`. */
export interface LinkHandler {
  onOpen(link: Link): void;
  /** If it throws, the link is closed with the error's message. */
  onMessage(link: Link, message: unknown): void;
  onClose(link: Link, reason: string): void;
}

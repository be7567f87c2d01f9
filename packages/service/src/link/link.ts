/**
 * A link: one long-lived, ordered, two-way stream of messages between two processes of a cluster. Messages are
 * MessagePack values; whoever receives one validates it. A link that breaks is not repaired: the dialer opens a new
 * one, and both sides treat everything that was not answered as unknown.
 */
export interface Link {
  /** Unique in this process. */
  readonly id: number;
  /** Name that the other process gave when the link opened, such as `frontend-1`. */
  readonly peer: string;
  readonly closed: boolean;
  /**
   * Queues a message; what is sent in one turn of the event loop leaves in one write. Returns false if the link is
   * closed or its queue was full: then the link is closed, so that order is never broken by a hole.
   */
  send(message: unknown): boolean;
  /** Closes at once; `closed` of the handler is called with the reason. Closing twice does nothing. */
  close(reason: string): void;
}

/** What a process does with a link. Called one at a time, never from inside `send` or `close`. */
export interface LinkHandler {
  opened(link: Link): void;
  /** A throw closes the link with the error's message. */
  message(link: Link, message: unknown): void;
  closed(link: Link, reason: string): void;
}

/**
 * Handles the requests of front-ends: commands go to the leader session, reads to the book. While this replica
 * is elected and its session is not open yet, requests that only a leader can answer are held.
 */
import type { InvalidItem, ReplicaReport } from '@trireme/domain';
import { LogThrottle, type Link, type Log } from '@trireme/service';
import type { BookStateMachine } from '../book/machine.js';
import type { LeaderSession } from '../leader/session.js';
import { parseFrontendFrame, type FrontendFrame } from '../rules/frames.js';
import { sendToFrontend } from './frontends.js';
import { OrderLists } from './order-lists.js';
import { OrderReads } from './order-reads.js';
import { PendingFrames, busyAnswer, requiresLeader } from './pending-frames.js';
import type { Pacer } from './scan-pacer.js';
import { StockReads } from './stock-reads.js';

interface FrontendRequestsOptions {
  readonly machine: BookStateMachine;
  /** Null while this replica does not lead. */
  readonly session: () => LeaderSession | null;
  /** Whether this replica was elected and its session is not open yet. */
  readonly isSessionPending: () => boolean;
  /** Report for a front-end that requests it; null for none. */
  readonly report: () => ReplicaReport | null;
  readonly pacer: Pacer;
  readonly log: Log;
  readonly fatal: (error: unknown) => void;
}

type SubmitFrame = Extract<FrontendFrame, { t: 'submit' }>;

export class FrontendRequests {
  readonly orderReads: OrderReads;
  readonly #options: FrontendRequestsOptions;
  readonly #orderLists: OrderLists;
  readonly #stockReads: StockReads;
  readonly #held = new PendingFrames();
  readonly #invalidLines = new LogThrottle();

  constructor(options: FrontendRequestsOptions) {
    this.#options = options;
    this.orderReads = new OrderReads(options);
    this.#orderLists = new OrderLists(options);
    this.#stockReads = new StockReads(options);
  }

  /** @throws FormatError if the message is malformed: the link must be closed. */
  onMessage(link: Link, message: unknown): void {
    const frame = parseFrontendFrame(message);
    // Any other error is a bug of this replica.
    try {
      this.#handle(link, frame);
    } catch (error) {
      this.#options.fatal(error);
    }
  }

  onLinkClosed(link: Link): void {
    this.#held.removeLink(link);
  }

  /** Handles the held requests: the session has opened, or this replica no longer leads. */
  release(): void {
    for (const { link, frame } of this.#held.drain()) this.#handle(link, frame);
  }

  #handle(link: Link, frame: FrontendFrame): void {
    if (this.#options.isSessionPending() && requiresLeader(frame)) {
      if (!this.#held.tryAdd(link, frame)) sendToFrontend(link, busyAnswer(frame));
      return;
    }
    switch (frame.t) {
      case 'submit':
        this.#refuseInvalid(link, 'submitted', frame.invalid);
        this.#submit(link, frame);
        return;
      case 'get':
        this.#refuseInvalid(link, 'got', frame.invalid);
        this.orderReads.get(link, frame.items);
        return;
      case 'list':
        this.#orderLists.list(link, frame);
        return;
      case 'lookup':
        this.#refuseInvalid(link, 'stocks', frame.invalid);
        this.#stockReads.lookUp(link, frame.items);
        return;
      case 'listStocks':
        this.#stockReads.list(link, frame);
        return;
      case 'invalidList':
        this.#logInvalid(link, frame.reason);
        sendToFrontend(link, { t: 'pageInvalid', id: frame.id, reason: frame.reason });
        return;
      case 'report': {
        const report = this.#options.report();
        if (report !== null) sendToFrontend(link, { t: 'report', report });
      }
    }
  }

  /** Refuses invalid items one by one: the link serves many clients. A front-end of this version sends none. */
  #refuseInvalid(link: Link, t: 'submitted' | 'got' | 'stocks', invalid: readonly InvalidItem[]): void {
    const [first] = invalid;
    if (first === undefined) return;
    this.#logInvalid(link, first.reason);
    const items = invalid.map(({ id, reason }) => [id, 'invalid', reason] as const);
    const { life } = this.#options.machine.book.meta;
    sendToFrontend(link, t === 'stocks' ? { t, life, items } : { t, items });
  }

  #logInvalid(link: Link, reason: string): void {
    const suppressed = this.#invalidLines.suppressedIfDue(link.peer, performance.now());
    if (suppressed !== null)
      this.#options.log.warn({ peer: link.peer, reason, suppressed }, 'invalid request refused');
  }

  #submit(link: Link, frame: SubmitFrame): void {
    const session = this.#options.session();
    if (session !== null) {
      for (const { id, command, requestId } of frame.items) {
        session.submit(command, { link: link.id, id }, requestId);
      }
      return;
    }
    sendToFrontend(link, {
      t: 'submitted',
      items: frame.items.map(({ id }) => [id, 'refused', 'notLeader']),
    });
  }
}

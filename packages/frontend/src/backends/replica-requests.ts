/**
 * The requests that a front-end sends to replicas, and their answers. Commands, lists and confirmed reads go to the
 * leader; reads that any replica can answer go to each in turn.
 */
import {
  toOrder,
  toStock,
  type FrontendToReplica,
  type Order,
  type OrderReadResult,
  type ReceivedReplicaToFrontend,
  type StockReadResult,
  type SubmitResult,
} from '@trireme/domain';
import type { Link } from '@trireme/service';
import type { StockListRequest, StockPage, StockSource } from './catalog-link.js';
import type { DeadlineTimer } from './deadline-timer.js';
import { LOST, RETRY, retryUntilDeadline, type NO_RESULT } from './retry.js';
import { RpcClient } from './rpc-client.js';
import { submitUntilDecided, type TracedCommand } from './submit-command.js';
import type { Deadline } from '../rules/deadlines.js';
import { invalidRequestError, type FinalResult, type NoResultReason } from '../rules/results.js';
import { toStockView, type StockView } from '../rules/stock-cache.js';

/** A frame that answers requests. */
export type AnswerFrame = Extract<
  ReceivedReplicaToFrontend,
  { t: 'submitted' | 'got' | 'stocks' | 'stockPage' | 'page' | 'pageRefused' | 'pageInvalid' | 'invalidPage' }
>;

/** A page of orders. The next page starts after the number `next`, which is null at the end. */
interface OrderPage {
  readonly orders: readonly Order[];
  readonly next: number | null;
}

interface OrderListRequest {
  readonly after: number;
  readonly limit: number;
  readonly name: string | null;
}

type PageFailure = Extract<ReceivedReplicaToFrontend, { t: 'pageRefused' | 'pageInvalid' | 'invalidPage' }>;
type OrderPageResult = Extract<ReceivedReplicaToFrontend, { t: 'page' }> | PageFailure;
type StockPageResult = Extract<ReceivedReplicaToFrontend, { t: 'stockPage' }> | PageFailure;

interface LeaderLookupResult {
  /** Life of the cluster, used in entity tags. */
  readonly life: string;
  readonly item: StockReadResult;
}

/** Number of replicas that a read of an order asks before it asks the leader. */
const FOLLOWER_ATTEMPTS = 2;

interface CallCounts {
  readonly queued: number;
  readonly sent: number;
}

interface ReplicaRequestsOptions {
  /** The link to the leader; null while there is none. */
  readonly leaderLink: () => Link | null;
  /** The link to the next replica that answers; null if none is open. */
  readonly anyLink: () => Link | null;
  /** Timeouts after which a read asks another replica: a paused one must not delay it. */
  readonly readTimeouts: DeadlineTimer;
}

export class ReplicaRequests implements StockSource {
  readonly #options: ReplicaRequestsOptions;

  readonly #commands = new RpcClient<TracedCommand, SubmitResult>({
    route: () => this.#options.leaderLink(),
    send: (link, calls) =>
      send(link, { t: 'submit', items: calls.map((call) => [call.id, ...call.request]) }),
  });
  /** Local and confirmed reads are answered in the same frames, so they share one source of ids. */
  readonly #nextReadId = idSource();
  readonly #confirmedReads = new RpcClient<number, OrderReadResult>({
    nextId: this.#nextReadId,
    route: () => this.#options.leaderLink(),
    send: (link, calls) =>
      send(link, { t: 'get', items: calls.map((call) => [call.id, call.request, true]) }),
  });
  /** Lists of orders and of stocks are refused in the same frames, so they share one source of ids. */
  readonly #nextListId = idSource();
  readonly #lists = new RpcClient<OrderListRequest, OrderPageResult>({
    nextId: this.#nextListId,
    route: () => this.#options.leaderLink(),
    send: (link, calls) => calls.every((call) => send(link, { t: 'list', id: call.id, ...call.request })),
  });
  readonly #stockLists = new RpcClient<StockListRequest, StockPageResult>({
    nextId: this.#nextListId,
    route: () => this.#options.leaderLink(),
    send: (link, calls) =>
      calls.every((call) => send(link, { t: 'listStocks', id: call.id, ...call.request })),
  });
  readonly #stockLookups = new RpcClient<string, LeaderLookupResult>({
    route: () => this.#options.leaderLink(),
    send: (link, calls) =>
      send(link, { t: 'lookup', items: calls.map((call) => [call.id, call.request] as const) }),
    dedupeKeyOf: (name) => name,
  });
  /** All clients whose requests go to the leader. */
  readonly #leaderClients = [
    this.#commands,
    this.#confirmedReads,
    this.#lists,
    this.#stockLists,
    this.#stockLookups,
  ];
  readonly #localReads = new RpcClient<number, OrderReadResult>({
    nextId: this.#nextReadId,
    route: () => this.#options.anyLink(),
    send: (link, calls) =>
      send(link, { t: 'get', items: calls.map((call) => [call.id, call.request, false]) }),
  });

  constructor(options: ReplicaRequestsOptions) {
    this.#options = options;
  }

  /** Numbers of requests that are queued, and that are sent and not answered yet. */
  get counts(): {
    readonly commands: CallCounts;
    readonly reads: CallCounts;
    /** Look-ups of stocks that went to the leader because no catalog answered. */
    readonly lookups: CallCounts;
  } {
    return {
      commands: this.#commands.counts,
      reads: {
        queued: this.#localReads.counts.queued + this.#confirmedReads.counts.queued,
        sent: this.#localReads.counts.sent + this.#confirmedReads.counts.sent,
      },
      lookups: this.#stockLookups.counts,
    };
  }

  /** Submits a command to the leader; see `submitUntilDecided`. */
  async submit(command: TracedCommand, deadline: Deadline): Promise<FinalResult | NoResultReason> {
    return submitUntilDecided(this.#commands, command, deadline);
  }

  /**
   * Reads an order.
   * @returns null, only after a confirmed read, if there is no such order; `NO_RESULT` if no replica answered
   *   before the deadline.
   * @throws TriremeError `INVALID_REQUEST` if the replicas reject the request.
   */
  async readOrder(number: number, deadline: Deadline): Promise<Order | null | typeof NO_RESULT> {
    const { readTimeouts } = this.#options;
    for (let attempt = 0; attempt < FOLLOWER_ATTEMPTS; attempt += 1) {
      const timeout = readTimeouts.open();
      const answer = await this.#localReads.call(number, timeout);
      readTimeouts.close(timeout);
      if (typeof answer === 'string') continue;
      if (answer[1] === 'order') return toOrder(answer[2]);
      break;
    }
    return retryUntilDeadline(deadline, async () => {
      const answer = await this.#confirmedReads.call(number, deadline);
      if (typeof answer === 'string') return answer === 'unanswered' ? LOST : RETRY;
      switch (answer[1]) {
        case 'order':
          return toOrder(answer[2]);
        case 'missing':
          return null;
        case 'refused':
          return RETRY;
        case 'invalid':
          throw invalidRequestError(answer[2]);
      }
    });
  }

  /** Looks up a stock at the leader, in one attempt; see `StockSource`. */
  async lookup(name: string, deadline: Deadline): Promise<StockView | null | typeof RETRY | typeof LOST> {
    // The caller can ask other processes, so do not wait for a leader here.
    if (this.#options.leaderLink() === null) return RETRY;
    const answer = await this.#stockLookups.call(name, deadline);
    if (typeof answer === 'string') return answer === 'unanswered' ? LOST : RETRY;
    const { life, item } = answer;
    switch (item[1]) {
      case 'stock':
        return toStockView(toStock(item[2]), life);
      case 'missing':
        return null;
      case 'refused':
        return RETRY;
      case 'invalid':
        throw invalidRequestError(item[2]);
    }
  }

  /** Reads one page of stocks from the leader, in one attempt; see `StockSource`. */
  async list(
    question: StockListRequest,
    deadline: Deadline,
  ): Promise<StockPage | typeof RETRY | typeof LOST> {
    if (this.#options.leaderLink() === null) return RETRY;
    const answer = await this.#stockLists.call(question, deadline);
    if (typeof answer === 'string') return answer === 'unanswered' ? LOST : RETRY;
    switch (answer.t) {
      case 'stockPage':
        return { stocks: answer.stocks.map(toStock), next: answer.next };
      case 'pageRefused':
      case 'invalidPage':
        return RETRY;
      case 'pageInvalid':
        throw invalidRequestError(answer.reason);
    }
  }

  /**
   * Reads one page of orders from the leader. It may be short or even empty before the end of the list.
   * @returns `NO_RESULT` if the leader did not answer before the deadline.
   * @throws TriremeError `INVALID_REQUEST` if the leader rejects the request.
   */
  async listOrders(question: OrderListRequest, deadline: Deadline): Promise<OrderPage | typeof NO_RESULT> {
    return retryUntilDeadline(deadline, async () => {
      const answer = await this.#lists.call(question, deadline);
      if (typeof answer === 'string') return answer === 'unanswered' ? LOST : RETRY;
      switch (answer.t) {
        case 'page':
          return { orders: answer.orders.map(toOrder), next: answer.next };
        case 'pageRefused':
        case 'invalidPage':
          return RETRY;
        case 'pageInvalid':
          throw invalidRequestError(answer.reason);
      }
    });
  }

  /** There may be a link for local reads now: sends those that are queued. */
  flushLocalReads(): void {
    this.#localReads.scheduleFlush();
  }

  /** The leader's link may be open now: sends what is queued for it. */
  flushLeaderRequests(): void {
    for (const client of this.#leaderClients) client.scheduleFlush();
  }

  /**
   * There is a new leader. The previous one may be paused or partitioned: its link can stay open without ever
   * answering.
   */
  onLeaderLink(link: Link): void {
    for (const client of this.#leaderClients) client.onLeaderLink(link);
  }

  onLinkLost(link: Link): void {
    for (const client of this.#leaderClients) client.onLinkLost(link);
    this.#localReads.onLinkLost(link);
  }

  /** Resolves the requests that the frame answers. @returns the reasons why parts of the frame are invalid */
  onAnswer(link: Link, frame: AnswerFrame): readonly string[] {
    switch (frame.t) {
      case 'submitted':
        for (const item of frame.items) this.#commands.onAnswer(link, item[0], item);
        // The outcome of these is not known here; a retry with the same key may find it.
        for (const { id } of frame.invalid) this.#commands.onAnswer(link, id, [id, 'lost']);
        return frame.invalid.map(({ reason }) => reason);
      case 'got':
        for (const item of frame.items) this.#onGetResult(link, item);
        for (const { id } of frame.invalid) this.#onGetResult(link, [id, 'refused', 'busy']);
        return frame.invalid.map(({ reason }) => reason);
      case 'stocks': {
        const { life } = frame;
        for (const item of frame.items) this.#stockLookups.onAnswer(link, item[0], { life, item });
        for (const { id } of frame.invalid)
          this.#stockLookups.onAnswer(link, id, { life, item: [id, 'refused', 'busy'] });
        return frame.invalid.map(({ reason }) => reason);
      }
      case 'stockPage':
        this.#stockLists.onAnswer(link, frame.id, frame);
        return [];
      case 'page':
        this.#lists.onAnswer(link, frame.id, frame);
        return [];
      case 'pageRefused':
      case 'pageInvalid':
        this.#onNoPage(link, frame);
        return [];
      case 'invalidPage':
        this.#onNoPage(link, frame);
        return [frame.reason];
    }
  }

  #onNoPage(link: Link, frame: PageFailure): void {
    this.#lists.onAnswer(link, frame.id, frame);
    this.#stockLists.onAnswer(link, frame.id, frame);
  }

  #onGetResult(link: Link, result: OrderReadResult): void {
    this.#localReads.onAnswer(link, result[0], result);
    this.#confirmedReads.onAnswer(link, result[0], result);
  }
}

/** Whether the frame says that its replica does not lead. */
export function isFromFollower(frame: AnswerFrame): boolean {
  switch (frame.t) {
    case 'submitted':
    case 'stocks':
      return frame.items.some((item) => item[1] === 'refused' && item[2] === 'notLeader');
    case 'pageRefused':
      return frame.why === 'notLeader';
    case 'got':
    case 'stockPage':
    case 'page':
    case 'pageInvalid':
    case 'invalidPage':
      return false;
  }
}

function send(link: Link, frame: FrontendToReplica): boolean {
  return link.send(frame);
}

/** Returns a function that counts up from 1. */
function idSource(): () => number {
  let last = 0;
  return () => {
    last += 1;
    return last;
  };
}

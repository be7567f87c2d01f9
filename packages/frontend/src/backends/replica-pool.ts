/**
 * Keeps a link to each order replica open, tracks the leader, and sends requests to them. Commands, lists and
 * confirmed reads go to the leader; reads that any replica can answer go to each in turn.
 */
import {
  LINK_PATHS,
  REPLICA_TO_FRONTEND,
  parseFrame,
  toOrder,
  toStock,
  type CatalogWire,
  type OrderReadResult,
  type Order,
  type ReceivedReplicaToFrontend,
  type ReplicaReport,
  type StockReadResult,
  type SubmitResult,
  type FrontendToReplica,
} from '@trireme/domain';
import {
  ReplicaLinks,
  LogThrottle,
  type ReplicaAddress,
  type Link,
  type LinkHandler,
  type LinkIdentity,
  type Log,
  type CreateDialer,
} from '@trireme/service';
import { RpcClient } from './rpc-client.js';
import type { StockListRequest, StockPage } from './catalog-link.js';
import { submitUntilDecided, type TracedCommand } from './submit-command.js';
import type { DeadlineTimer } from './deadline-timer.js';
import { RETRY, LOST, type NO_RESULT, retryUntilDeadline } from './retry.js';
import type { Deadline } from '../rules/deadlines.js';
import { LeaderTracker, type Leader } from '../rules/leader-tracker.js';
import { ReplicaPicker } from '../rules/replica-picker.js';
import { ReportStore, type TimedReport } from '../rules/report-store.js';
import { invalidRequestError, type FinalResult, type NoResultReason } from '../rules/results.js';
import { toStockView, type StockView } from '../rules/stock-cache.js';

/** A page of orders. The next page starts after the number `next`, which is null at the end. */
interface OrderPage {
  readonly orders: readonly Order[];
  readonly next: number | null;
}

/** A replica as this front-end sees it. */
interface ReplicaView {
  readonly id: string;
  readonly linked: boolean;
  readonly lastReport: TimedReport<ReplicaReport> | null;
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

interface ReplicaPoolStatus {
  readonly replicas: readonly { readonly id: string; readonly connected: boolean }[];
  readonly commands: CallCounts;
  readonly reads: CallCounts;
  /** Look-ups of stocks that went to the leader because no catalog answered. */
  readonly lookups: CallCounts;
}

interface ReplicaPoolOptions {
  /** Initial addresses; the group then sends the current ones. */
  readonly replicas: readonly ReplicaAddress[];
  readonly identity: LinkIdentity;
  /** Opens links over sockets by default. */
  readonly createDialer?: CreateDialer | undefined;
  readonly log: Log;
  /** Timeouts after which a read asks another replica: a paused one must not delay it. */
  readonly readTimeouts: DeadlineTimer;
  /** Called when a link has opened or closed, or the leader may have changed. */
  readonly onChange: () => void;
  /** Called with the catalogs that the replica at that URL sent; with null when its link has closed. */
  readonly onCatalogList: (replica: string, items: readonly CatalogWire[] | null) => void;
}

export class ReplicaPool {
  readonly #log: Log;
  readonly #changed: () => void;
  readonly #catalogsTold: ReplicaPoolOptions['onCatalogList'];
  readonly #reports = new ReportStore<ReplicaReport>();
  readonly #invalidLogThrottle = new LogThrottle();
  readonly #readTimeouts: DeadlineTimer;
  readonly #tracker = new LeaderTracker();
  readonly #picker = new ReplicaPicker();
  readonly #links: ReplicaLinks;
  #lastLeader: Leader | null = null;

  readonly #commands = new RpcClient<TracedCommand, SubmitResult>({
    route: () => this.#leaderLink(),
    send: (link, calls) =>
      send(link, { t: 'submit', items: calls.map((call) => [call.id, ...call.request]) }),
  });
  /** Local and confirmed reads are answered in the same frames, so they share one source of ids. */
  readonly #nextReadId = idSource();
  readonly #confirmedReads = new RpcClient<number, OrderReadResult>({
    nextId: this.#nextReadId,
    route: () => this.#leaderLink(),
    send: (link, calls) =>
      send(link, { t: 'get', items: calls.map((call) => [call.id, call.request, true]) }),
  });
  /** Lists of orders and of stocks are refused in the same frames, so they share one source of ids. */
  readonly #nextListId = idSource();
  readonly #lists = new RpcClient<OrderListRequest, OrderPageResult>({
    nextId: this.#nextListId,
    route: () => this.#leaderLink(),
    send: (link, calls) => calls.every((call) => send(link, { t: 'list', id: call.id, ...call.request })),
  });
  readonly #stockLists = new RpcClient<StockListRequest, StockPageResult>({
    nextId: this.#nextListId,
    route: () => this.#leaderLink(),
    send: (link, calls) =>
      calls.every((call) => send(link, { t: 'listStocks', id: call.id, ...call.request })),
  });
  readonly #stockLookups = new RpcClient<string, LeaderLookupResult>({
    route: () => this.#leaderLink(),
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
    route: () => this.#pickLink(),
    send: (link, calls) =>
      send(link, { t: 'get', items: calls.map((call) => [call.id, call.request, false]) }),
  });

  constructor(options: ReplicaPoolOptions) {
    this.#log = options.log;
    this.#changed = options.onChange;
    this.#catalogsTold = options.onCatalogList;
    this.#readTimeouts = options.readTimeouts;
    const { replicas: seeds, identity, log, createDialer } = options;
    this.#links = new ReplicaLinks({
      path: LINK_PATHS.frontendToReplica,
      initialReplicas: seeds,
      identity,
      createDialer,
      log,
      createHandler: (url) => this.#linkHandler(url),
      onRemoved: (url) => this.#reports.remove(url),
    });
  }

  start(): void {
    this.#links.start();
  }

  async stop(): Promise<void> {
    await this.#links.stop();
  }

  /** The leader and its term; null while no leader is known or its link is closed. */
  get leader(): { readonly replica: string; readonly term: number } | null {
    const { leader, isTrusted } = this.#tracker;
    if (leader === null || !isTrusted || this.#leaderLink() === null) return null;
    return { replica: leader.id, term: leader.term };
  }

  /** For the status page. */
  get status(): ReplicaPoolStatus {
    return {
      replicas: this.#links.replicas.map(({ id, url }) => ({ id, connected: this.#links.get(url) !== null })),
      commands: this.#commands.counts,
      reads: {
        queued: this.#localReads.counts.queued + this.#confirmedReads.counts.queued,
        sent: this.#localReads.counts.sent + this.#confirmedReads.counts.sent,
      },
      lookups: this.#stockLookups.counts,
    };
  }

  /** The last report of each replica, for monitoring. */
  get views(): readonly ReplicaView[] {
    return this.#links.replicas.map(({ id, url }) => ({
      id,
      linked: this.#links.get(url) !== null,
      lastReport: this.#reports.last(url),
    }));
  }

  /** Asks every linked replica for a report, except those that have not sent the last one yet. */
  requestReports(): void {
    for (const url of this.#links.openUrls) {
      const link = this.#links.get(url);
      if (link !== null && this.#reports.tryRequest(url)) send(link, { t: 'report' });
    }
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
    for (let attempt = 0; attempt < FOLLOWER_ATTEMPTS; attempt += 1) {
      const timeout = this.#readTimeouts.open();
      const answer = await this.#localReads.call(number, timeout);
      this.#readTimeouts.close(timeout);
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
    if (this.#leaderLink() === null) return RETRY;
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
  async listStocks(
    question: StockListRequest,
    deadline: Deadline,
  ): Promise<StockPage | typeof RETRY | typeof LOST> {
    if (this.#leaderLink() === null) return RETRY;
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

  #linkHandler(url: string): LinkHandler {
    return {
      onOpen: () => {
        this.#localReads.scheduleFlush();
        this.#changed();
      },
      onMessage: (link, message) => {
        this.#picker.onMessage(url);
        this.#onFrame(url, link, parseFrame(REPLICA_TO_FRONTEND, message));
      },
      onClose: (link) => {
        this.#picker.onMessage(url);
        this.#reports.onUnlinked(url);
        if (this.#links.get(url) === null) {
          this.#tracker.onUnlinked(url);
          this.#catalogsTold(url, null);
        }
        for (const client of this.#leaderClients) client.onLinkLost(link);
        this.#localReads.onLinkLost(link);
        this.#updateLeader();
        this.#localReads.scheduleFlush();
        this.#changed();
      },
    };
  }

  #onFrame(url: string, link: Link, frame: ReceivedReplicaToFrontend): void {
    switch (frame.t) {
      case 'leader':
        this.#tracker.onReport(url, frame.self, frame.leader, frame.term);
        this.#updateLeader();
        this.#changed();
        return;
      case 'report':
        this.#reports.onReport(url, frame.report, performance.now());
        return;
      case 'members':
        this.#links.onMembership(frame.index, frame.items);
        return;
      case 'catalogs':
        this.#catalogsTold(url, frame.items);
        return;
      case 'submitted':
        if (frame.items.some((item) => item[1] === 'refused' && item[2] === 'notLeader'))
          this.#onNotLeader(url);
        for (const item of frame.items) this.#commands.onAnswer(link, item[0], item);
        // The outcome of these is not known here; a retry with the same key may find it.
        for (const { id, reason } of frame.invalid) {
          this.#warnInvalid(url, reason);
          this.#commands.onAnswer(link, id, [id, 'lost']);
        }
        return;
      case 'got':
        for (const item of frame.items) this.#onGetResult(link, item);
        for (const { id, reason } of frame.invalid) {
          this.#warnInvalid(url, reason);
          this.#onGetResult(link, [id, 'refused', 'busy']);
        }
        return;
      case 'stocks':
        if (frame.items.some((item) => item[1] === 'refused' && item[2] === 'notLeader'))
          this.#onNotLeader(url);
        for (const item of frame.items) {
          this.#stockLookups.onAnswer(link, item[0], { life: frame.life, item });
        }
        for (const { id, reason } of frame.invalid) {
          this.#warnInvalid(url, reason);
          this.#stockLookups.onAnswer(link, id, { life: frame.life, item: [id, 'refused', 'busy'] });
        }
        return;
      case 'stockPage':
        this.#stockLists.onAnswer(link, frame.id, frame);
        return;
      case 'invalidReport':
        this.#warnInvalid(url, frame.reason);
        this.#reports.onUnlinked(url);
        return;
      case 'invalidPage':
        this.#warnInvalid(url, frame.reason);
        this.#onNoPage(link, frame);
        return;
      case 'page':
        this.#lists.onAnswer(link, frame.id, frame);
        return;
      case 'pageInvalid':
        this.#onNoPage(link, frame);
        return;
      case 'pageRefused':
        if (frame.why === 'notLeader') this.#onNotLeader(url);
        this.#onNoPage(link, frame);
        return;
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

  #warnInvalid(url: string, reason: string): void {
    const suppressed = this.#invalidLogThrottle.suppressedIfDue(url, performance.now());
    if (suppressed !== null)
      this.#log.warn({ replica: url, reason, suppressed }, 'invalid answer from replica');
  }

  #onNotLeader(url: string): void {
    this.#tracker.onNotLeader(url);
    this.#updateLeader();
  }

  #updateLeader(): void {
    const { leader } = this.#tracker;
    if (leader === null) return;
    const link = this.#links.get(leader.replica);
    if (link === null) return;
    const changed = leader.replica !== this.#lastLeader?.replica || leader.term !== this.#lastLeader.term;
    this.#lastLeader = leader;
    if (changed) {
      this.#log.info(leader, 'following new leader');
      // The previous leader may be paused or partitioned: its link can stay open without ever answering.
      for (const client of this.#leaderClients) client.onLeaderLink(link);
    }
    for (const client of this.#leaderClients) client.scheduleFlush();
  }

  #leaderLink(): Link | null {
    const { leader } = this.#tracker;
    return leader === null ? null : this.#links.get(leader.replica);
  }

  #pickLink(): Link | null {
    const url = this.#picker.pick(this.#links.openUrls);
    return url === null ? null : this.#links.get(url);
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

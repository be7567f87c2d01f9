/**
 * The order replicas as the front-end sees them: a link to each, kept open; who leads; and what was asked of them.
 * Commands, lists and confirmed reads go to the leader; what any replica can answer goes to each in turn.
 */
import {
  LINK_PATHS,
  type CatalogWire,
  type GetResult,
  type Order,
  type ReplicaReport,
  type StockResult,
  type SubmitResult,
  type ToReplica,
} from '@trireme/domain';
import {
  ReplicaLinks,
  Throttle,
  type ReplicaAddress,
  type Link,
  type LinkHandler,
  type LinkIdentity,
  type Log,
  type MakeDialer,
} from '@trireme/service';
import { RpcClient } from './rpc-client.js';
import type { StockListQuestion, StockPage } from './catalog-link.js';
import { decide, type TracedCommand } from './decide.js';
import type { DeadlineTimer } from './deadline-timer.js';
import { AGAIN, LOST, type NO_RESULT, retryUntil } from './retry.js';
import type { Deadline } from './rules/deadlines.js';
import { orderOf, parseFromReplica, stockOf, type ReplicaFrame } from './rules/frames.js';
import { LeaderTracker, type Leader } from './rules/leader-tracker.js';
import { ReplicaPicker } from './rules/replica-picker.js';
import { ReportBoard, type Reported } from './rules/report-board.js';
import { refusedAsInvalid, type Decided, type Undecided } from './rules/results.js';
import { viewOf, type StockView } from './rules/stock-cache.js';

/** A page of orders; `next` is the number to go on after, null at the end. */
interface OrderPage {
  readonly orders: readonly Order[];
  readonly next: number | null;
}

/** A replica as this front-end sees it. */
interface ReplicaView {
  readonly id: string;
  readonly linked: boolean;
  readonly reported: Reported<ReplicaReport> | null;
}

interface ListQuestion {
  readonly after: number;
  readonly limit: number;
  readonly name: string | null;
}

type NoPage = Extract<ReplicaFrame, { t: 'pageRefused' | 'pageInvalid' | 'invalidPage' }>;
type PageAnswer = Extract<ReplicaFrame, { t: 'page' }> | NoPage;
type StockPageAnswer = Extract<ReplicaFrame, { t: 'stockPage' }> | NoPage;

interface LookupAnswer {
  /** Life of the cluster, used in entity tags. */
  readonly life: string;
  readonly item: StockResult;
}

/** Replicas that are asked for an order before the leader is. */
const FOLLOWER_ATTEMPTS = 2;

interface Counts {
  readonly queued: number;
  readonly sent: number;
}

interface ReplicasStatus {
  readonly replicas: readonly { readonly id: string; readonly connected: boolean }[];
  readonly commands: Counts;
  readonly reads: Counts;
  /** Look-ups of stocks that no catalog answered. */
  readonly lookups: Counts;
}

interface ReplicasOptions {
  /** Where to begin; the group itself then says where it is. */
  readonly replicas: readonly ReplicaAddress[];
  readonly identity: LinkIdentity;
  /** Over sockets unless set. */
  readonly dial?: MakeDialer;
  readonly log: Log;
  /** How long one replica is waited for before another is asked: a paused one must not hold a read up. */
  readonly patience: DeadlineTimer;
  /** Called when a link has opened or closed, or who leads may have changed. */
  readonly changed: () => void;
  /** Called when the replica with that url told which catalogs there are; null when its link has closed. */
  readonly catalogsTold: (replica: string, items: readonly CatalogWire[] | null) => void;
}

export class Replicas {
  readonly #log: Log;
  readonly #changed: () => void;
  readonly #catalogsTold: ReplicasOptions['catalogsTold'];
  readonly #reports = new ReportBoard<ReplicaReport>();
  readonly #invalidLines = new Throttle();
  readonly #patience: DeadlineTimer;
  readonly #tracker = new LeaderTracker();
  readonly #picker = new ReplicaPicker();
  readonly #links: ReplicaLinks;
  #followed: Leader | null = null;

  readonly #commands = new RpcClient<TracedCommand, SubmitResult>({
    route: () => this.#leaderLink(),
    send: (link, asks) => send(link, { t: 'submit', items: asks.map((ask) => [ask.id, ...ask.question]) }),
  });
  /** Answers to both kinds of reads come in the same frames: their ids are drawn from one source. */
  readonly #nextReadId = idSource();
  readonly #confirmedReads = new RpcClient<number, GetResult>({
    nextId: this.#nextReadId,
    route: () => this.#leaderLink(),
    send: (link, asks) => send(link, { t: 'get', items: asks.map((ask) => [ask.id, ask.question, true]) }),
  });
  /** Likewise for lists of orders and of stocks, which are refused by the same frames. */
  readonly #nextListId = idSource();
  readonly #lists = new RpcClient<ListQuestion, PageAnswer>({
    nextId: this.#nextListId,
    route: () => this.#leaderLink(),
    send: (link, asks) => asks.every((ask) => send(link, { t: 'list', id: ask.id, ...ask.question })),
  });
  readonly #stockLists = new RpcClient<StockListQuestion, StockPageAnswer>({
    nextId: this.#nextListId,
    route: () => this.#leaderLink(),
    send: (link, asks) => asks.every((ask) => send(link, { t: 'listStocks', id: ask.id, ...ask.question })),
  });
  readonly #stockLookups = new RpcClient<string, LookupAnswer>({
    route: () => this.#leaderLink(),
    send: (link, asks) =>
      send(link, { t: 'lookup', items: asks.map((ask) => [ask.id, ask.question] as const) }),
    joinTextOf: (name) => name,
  });
  /** Whatever the leader is asked. */
  readonly #leaderClients = [
    this.#commands,
    this.#confirmedReads,
    this.#lists,
    this.#stockLists,
    this.#stockLookups,
  ];
  readonly #localReads = new RpcClient<number, GetResult>({
    nextId: this.#nextReadId,
    route: () => this.#anyLink(),
    send: (link, asks) => send(link, { t: 'get', items: asks.map((ask) => [ask.id, ask.question, false]) }),
  });

  constructor(options: ReplicasOptions) {
    this.#log = options.log;
    this.#changed = options.changed;
    this.#catalogsTold = options.catalogsTold;
    this.#patience = options.patience;
    const { replicas: seeds, identity, log, dial } = options;
    this.#links = new ReplicaLinks({
      path: LINK_PATHS.frontendToReplica,
      seeds,
      identity,
      ...(dial === undefined ? {} : { dial }),
      log,
      handler: (url) => this.#handler(url),
      left: (url) => this.#reports.forget(url),
    });
  }

  start(): void {
    this.#links.start();
  }

  async stop(): Promise<void> {
    await this.#links.stop();
  }

  /** The member that leads, and its term; null while none is known or its link is closed. */
  get leader(): { readonly replica: string; readonly term: number } | null {
    const { leader, certain } = this.#tracker;
    if (leader === null || !certain || this.#leaderLink() === null) return null;
    return { replica: leader.id, term: leader.term };
  }

  /** For the status page. */
  get status(): ReplicasStatus {
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

  /** What each replica told of itself last, for people who watch. */
  get members(): readonly ReplicaView[] {
    return this.#links.replicas.map(({ id, url }) => ({
      id,
      linked: this.#links.get(url) !== null,
      reported: this.#reports.last(url),
    }));
  }

  /** Asks every linked replica what it is doing, but for those that have not answered the last time. */
  askReports(): void {
    for (const url of this.#links.urls) {
      const link = this.#links.get(url);
      if (link !== null && this.#reports.ask(url)) send(link, { t: 'report' });
    }
  }

  /** Has a command decided by the leader; see `decide`. */
  submit(
    command: TracedCommand,
    deadline: Deadline,
    done: (result: Decided | Undecided) => void,
    failed: (error: unknown) => void,
  ): void {
    decide(this.#commands, command, deadline, done, failed);
  }

  /**
   * The order, null if there is none: that comes from a confirmed read alone. `NO_RESULT` if nobody could tell.
   * @throws TriremeError `INVALID_REQUEST` if the replicas do not take the question.
   */
  async order(number: number, deadline: Deadline): Promise<Order | null | typeof NO_RESULT> {
    for (let attempt = 0; attempt < FOLLOWER_ATTEMPTS; attempt += 1) {
      const patience = this.#patience.open();
      const answer = await this.#localReads.ask(number, patience);
      this.#patience.close(patience);
      if (typeof answer === 'string') continue;
      if (answer[1] === 'order') return orderOf(answer[2]);
      break;
    }
    return retryUntil(deadline, async () => {
      const answer = await this.#confirmedReads.ask(number, deadline);
      if (typeof answer === 'string') return answer === 'unanswered' ? LOST : AGAIN;
      switch (answer[1]) {
        case 'order':
          return orderOf(answer[2]);
        case 'missing':
          return null;
        case 'refused':
          return AGAIN;
        case 'invalid':
          throw refusedAsInvalid(answer[2]);
      }
    });
  }

  /** The stock as the leader has it, asked once; see `StockSource`. */
  async lookup(name: string, deadline: Deadline): Promise<StockView | null | typeof AGAIN | typeof LOST> {
    // Whoever asks has others to ask, and does not wait here for a leader.
    if (this.#leaderLink() === null) return AGAIN;
    const answer = await this.#stockLookups.ask(name, deadline);
    if (typeof answer === 'string') return answer === 'unanswered' ? LOST : AGAIN;
    const { life, item } = answer;
    switch (item[1]) {
      case 'stock':
        return viewOf(stockOf(item[2]), life);
      case 'missing':
        return null;
      case 'refused':
        return AGAIN;
      case 'invalid':
        throw refusedAsInvalid(item[2]);
    }
  }

  /** One page of stocks as the leader has them, asked once; see `StockSource`. */
  async listStocks(
    question: StockListQuestion,
    deadline: Deadline,
  ): Promise<StockPage | typeof AGAIN | typeof LOST> {
    if (this.#leaderLink() === null) return AGAIN;
    const answer = await this.#stockLists.ask(question, deadline);
    if (typeof answer === 'string') return answer === 'unanswered' ? LOST : AGAIN;
    switch (answer.t) {
      case 'stockPage':
        return { stocks: answer.stocks.map(stockOf), next: answer.next };
      case 'pageRefused':
      case 'invalidPage':
        return AGAIN;
      case 'pageInvalid':
        throw refusedAsInvalid(answer.reason);
    }
  }

  /**
   * One page as the leader has it; it may be short, even empty, before the end.
   * @throws TriremeError `INVALID_REQUEST` if the leader does not take the question.
   */
  async list(question: ListQuestion, deadline: Deadline): Promise<OrderPage | typeof NO_RESULT> {
    return retryUntil(deadline, async () => {
      const answer = await this.#lists.ask(question, deadline);
      if (typeof answer === 'string') return answer === 'unanswered' ? LOST : AGAIN;
      switch (answer.t) {
        case 'page':
          return { orders: answer.orders.map(orderOf), next: answer.next };
        case 'pageRefused':
        case 'invalidPage':
          return AGAIN;
        case 'pageInvalid':
          throw refusedAsInvalid(answer.reason);
      }
    });
  }

  #handler(url: string): LinkHandler {
    return {
      opened: () => {
        this.#localReads.wake();
        this.#changed();
      },
      message: (link, message) => {
        this.#picker.heard(url);
        this.#message(url, link, parseFromReplica(message));
      },
      closed: (link) => {
        this.#picker.heard(url);
        this.#reports.unlinked(url);
        if (this.#links.get(url) === null) {
          this.#tracker.forget(url);
          this.#catalogsTold(url, null);
        }
        for (const client of this.#leaderClients) client.abandon(link);
        this.#localReads.abandon(link);
        this.#leaderMayHaveChanged();
        this.#localReads.wake();
        this.#changed();
      },
    };
  }

  #message(url: string, link: Link, frame: ReplicaFrame): void {
    switch (frame.t) {
      case 'leader':
        this.#tracker.report(url, frame.self, frame.leader, frame.term);
        this.#leaderMayHaveChanged();
        this.#changed();
        return;
      case 'report':
        this.#reports.heard(url, frame.report, performance.now());
        return;
      case 'members':
        this.#links.regrouped(frame.index, frame.items);
        return;
      case 'catalogs':
        this.#catalogsTold(url, frame.items);
        return;
      case 'submitted':
        if (frame.items.some((item) => item[1] === 'refused' && item[2] === 'notLeader')) this.#suspect(url);
        for (const item of frame.items) this.#commands.answered(link, item[0], item);
        // What became of these is not known here: asking again with the key may tell.
        for (const { id, reason } of frame.invalid) {
          this.#warnInvalid(url, reason);
          this.#commands.answered(link, id, [id, 'lost']);
        }
        return;
      case 'got':
        for (const item of frame.items) this.#got(link, item);
        for (const { id, reason } of frame.invalid) {
          this.#warnInvalid(url, reason);
          this.#got(link, [id, 'refused', 'busy']);
        }
        return;
      case 'stocks':
        if (frame.items.some((item) => item[1] === 'refused' && item[2] === 'notLeader')) this.#suspect(url);
        for (const item of frame.items) {
          this.#stockLookups.answered(link, item[0], { life: frame.life, item });
        }
        for (const { id, reason } of frame.invalid) {
          this.#warnInvalid(url, reason);
          this.#stockLookups.answered(link, id, { life: frame.life, item: [id, 'refused', 'busy'] });
        }
        return;
      case 'stockPage':
        this.#stockLists.answered(link, frame.id, frame);
        return;
      case 'invalidReport':
        this.#warnInvalid(url, frame.reason);
        this.#reports.unlinked(url);
        return;
      case 'invalidPage':
        this.#warnInvalid(url, frame.reason);
        this.#noPage(link, frame);
        return;
      case 'page':
        this.#lists.answered(link, frame.id, frame);
        return;
      case 'pageInvalid':
        this.#noPage(link, frame);
        return;
      case 'pageRefused':
        if (frame.why === 'notLeader') this.#suspect(url);
        this.#noPage(link, frame);
        return;
    }
  }

  #noPage(link: Link, frame: NoPage): void {
    this.#lists.answered(link, frame.id, frame);
    this.#stockLists.answered(link, frame.id, frame);
  }

  #got(link: Link, result: GetResult): void {
    this.#localReads.answered(link, result[0], result);
    this.#confirmedReads.answered(link, result[0], result);
  }

  #warnInvalid(url: string, reason: string): void {
    const untold = this.#invalidLines.due(url, performance.now());
    if (untold !== null) this.#log.warn({ replica: url, reason, untold }, 'invalid answer of a replica');
  }

  #suspect(url: string): void {
    this.#tracker.suspect(url);
    this.#leaderMayHaveChanged();
  }

  #leaderMayHaveChanged(): void {
    const { leader } = this.#tracker;
    if (leader === null) return;
    const link = this.#links.get(leader.replica);
    if (link === null) return;
    const changed = leader.replica !== this.#followed?.replica || leader.term !== this.#followed.term;
    this.#followed = leader;
    if (changed) {
      this.#log.info(leader, 'following a new leader');
      // The one before may be paused or cut off, so that its link stays open and never answers.
      for (const client of this.#leaderClients) client.abandonOthers(link);
    }
    for (const client of this.#leaderClients) client.wake();
  }

  #leaderLink(): Link | null {
    const { leader } = this.#tracker;
    return leader === null ? null : this.#links.get(leader.replica);
  }

  #anyLink(): Link | null {
    const url = this.#picker.pick(this.#links.urls);
    return url === null ? null : this.#links.get(url);
  }
}

function send(link: Link, frame: ToReplica): boolean {
  return link.send(frame);
}

/** Gives ids from 1. */
function idSource(): () => number {
  let last = 0;
  return () => {
    last += 1;
    return last;
  };
}

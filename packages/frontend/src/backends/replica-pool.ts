/** Keeps a link to each order replica open, tracks the leader, and gathers reports. */
import {
  LINK_PATHS,
  REPLICA_TO_FRONTEND,
  parseFrame,
  type CatalogWire,
  type FrontendToReplica,
  type ReceivedReplicaToFrontend,
  type ReplicaReport,
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
import type { DeadlineTimer } from './deadline-timer.js';
import { ReplicaRequests, isFromFollower } from './replica-requests.js';
import { LeaderTracker, type Leader } from '../rules/leader-tracker.js';
import { ReplicaPicker } from '../rules/replica-picker.js';
import { ReportStore, type TimedReport } from '../rules/report-store.js';

/** A replica as this front-end sees it. */
interface ReplicaView {
  readonly id: string;
  readonly linked: boolean;
  readonly lastReport: TimedReport<ReplicaReport> | null;
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
  readonly requests: ReplicaRequests;
  readonly #log: Log;
  readonly #onChange: () => void;
  readonly #onCatalogList: ReplicaPoolOptions['onCatalogList'];
  readonly #reports = new ReportStore<ReplicaReport>();
  readonly #invalidLogThrottle = new LogThrottle();
  readonly #tracker = new LeaderTracker();
  readonly #picker = new ReplicaPicker();
  readonly #links: ReplicaLinks;
  #lastLeader: Leader | null = null;

  constructor(options: ReplicaPoolOptions) {
    this.#log = options.log;
    this.#onChange = options.onChange;
    this.#onCatalogList = options.onCatalogList;
    this.requests = new ReplicaRequests({
      leaderLink: () => this.#leaderLink(),
      anyLink: () => this.#pickLink(),
      readTimeouts: options.readTimeouts,
    });
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

  /** The replicas and whether their links are open, for the status page. */
  get connections(): readonly { readonly id: string; readonly connected: boolean }[] {
    return this.#links.replicas.map(({ id, url }) => ({ id, connected: this.#links.get(url) !== null }));
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
      if (link !== null && this.#reports.tryRequest(url))
        link.send({ t: 'report' } satisfies FrontendToReplica);
    }
  }

  #linkHandler(url: string): LinkHandler {
    return {
      onOpen: () => {
        this.requests.flushLocalReads();
        this.#onChange();
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
          this.#onCatalogList(url, null);
        }
        this.requests.onLinkLost(link);
        this.#updateLeader();
        this.requests.flushLocalReads();
        this.#onChange();
      },
    };
  }

  #onFrame(url: string, link: Link, frame: ReceivedReplicaToFrontend): void {
    switch (frame.t) {
      case 'leader':
        this.#tracker.onReport(url, frame.self, frame.leader, frame.term);
        this.#updateLeader();
        this.#onChange();
        return;
      case 'report':
        this.#reports.onReport(url, frame.report, performance.now());
        return;
      case 'members':
        this.#links.onMembership(frame.index, frame.items);
        return;
      case 'catalogs':
        this.#onCatalogList(url, frame.items);
        return;
      case 'invalidReport':
        this.#warnInvalid(url, frame.reason);
        this.#reports.onUnlinked(url);
        return;
      case 'submitted':
      case 'got':
      case 'stocks':
      case 'stockPage':
      case 'page':
      case 'pageRefused':
      case 'pageInvalid':
      case 'invalidPage':
        if (isFromFollower(frame)) this.#onNotLeader(url);
        for (const reason of this.requests.onAnswer(link, frame)) this.#warnInvalid(url, reason);
    }
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
      this.requests.onLeaderLink(link);
    }
    this.requests.flushLeaderRequests();
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

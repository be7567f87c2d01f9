/** Status, readiness checks and metrics of a replica. */
import { REPORT_MEMBERS_MAX, type ReplicaToFrontend, type ReplicaReport } from '@trireme/domain';
import {
  describeMembership,
  withPersist,
  type LogStorage,
  type NodeStatus,
  type RaftNode,
  type NodeEvent,
} from '@trireme/raft';
import { Counter, type ReadinessCheck, type Metrics } from '@trireme/service';
import type { CatalogInfo } from '../group/catalogs-routes.js';
import type { BookStateMachine } from '../book/machine.js';
import type { BookStore } from '../book/store.js';
import type { LeaderSession, Proposer } from '../leader/session.js';
import type { PeerLinks } from '../rules/group/peer-links.js';

/** A follower that lags so far that the log no longer has the entries it needs. */
interface FollowerNeedingSnapshot {
  readonly replica: string;
  /** Number of entries that it needs and the log no longer has. */
  readonly missingEntries: number;
  readonly logStartsAfter: number;
}

/** The parts to report on. */
export interface ReplicaParts {
  readonly machine: BookStateMachine<BookStore>;
  readonly node: RaftNode;
  /** Null while this replica does not lead. */
  readonly session: LeaderSession | null;
  readonly frontends: number;
  /** The configured catalog set. */
  readonly catalogs: readonly CatalogInfo[];
  readonly needsSnapshot: FollowerNeedingSnapshot | null;
  readonly isStopping: boolean;
}

/** The answer of `GET /status`. */
export function replicaStatus(parts: ReplicaParts): object {
  const { machine, session, frontends, catalogs, needsSnapshot } = parts;
  const { applied, orders, visibleOrders, hash, keys, stocks, life } = machine.stored;
  const { membership, ...node } = parts.node.status();
  return {
    service: 'replica',
    ...node,
    members: describeMembership(membership),
    // Of the stored book, so that replicas with equal applied index can be compared by hash.
    applied,
    orders,
    hash,
    visibleOrders,
    keys,
    stocks,
    life,
    // Of the applied book, so that 0 means that everything is stored.
    pending: machine.unconfirmedOrders,
    frontends,
    catalogs,
    session: session?.status ?? null,
    needsSnapshot,
  };
}

/** Report for front-ends. */
export function replicaReport(
  { node, machine }: Pick<ReplicaParts, 'node' | 'machine'>,
  links: PeerLinks,
): ReplicaReport {
  const { id, role, term, leader, leading, firstIndex, lastIndex, commit, membership } = node.status();
  const { applied, orders, hash } = machine.stored;
  const { voters, outgoing, learners } = membership;
  const peers = [...new Set([...voters, ...outgoing, ...learners])]
    .filter((peer) => peer !== id)
    .slice(0, REPORT_MEMBERS_MAX)
    .map((peer) => ({ id: peer, ...links.stateOf(peer), match: node.matchIndexOf(peer) }));
  const learner = learners.includes(id);
  return {
    role,
    term,
    leader,
    leading,
    firstIndex,
    lastIndex,
    commit,
    applied,
    orders,
    hash,
    learner,
    peers,
  };
}

export function replicaChecks({ node, isStopping }: ReplicaParts): readonly ReadinessCheck[] {
  const { leader } = node.status();
  return [
    { name: 'running', problem: isStopping ? 'stopping' : null },
    // The port opens once the book is open.
    { name: 'book', problem: null },
    { name: 'leader', problem: leader === null ? 'no leader is known' : null },
  ];
}

/** The frame that tells front-ends who leads. A leader whose session is not open yet holds their requests. */
export function leaderFrame({ id, term, leader }: NodeStatus): ReplicaToFrontend {
  return { t: 'leader', self: id, leader, term };
}

/** Counters of rare events and per-batch events. */
export class ReplicaMetrics {
  #leader: string | null = null;
  #leaderChanges = 0;
  #proposalsFailed = 0;
  #readsFailed = 0;
  readonly #snapshots = new Counter();
  #needsSnapshot: FollowerNeedingSnapshot | null = null;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Adds the metrics of a running replica. */
  describe(parts: () => ReplicaParts): void {
    this.#describeRaft(this.#metrics, parts);
    this.#describeBook(this.#metrics, parts);
  }

  /** @param leader the current leader; what is known of followers is dropped when the leader changes */
  onLeader(leader: string | null): void {
    if (leader !== this.#leader) this.#needsSnapshot = null;
    if (leader === null || leader === this.#leader) return;
    this.#leader = leader;
    this.#leaderChanges += 1;
  }

  /** Counts the snapshot events of the node. */
  onNodeEvent(event: NodeEvent): void {
    if (event.type === 'diskSlow' || event.type === 'diskRecovered') return;
    this.#snapshots.increment({ event: event.type });
    if (event.type === 'followerNeedsSnapshot') {
      this.#needsSnapshot = {
        replica: event.to,
        missingEntries: event.base.index - event.index,
        logStartsAfter: event.base.index,
      };
    }
  }

  /**
   * The follower that needs compacted entries, until it has caught up to the start of the log or left; null
   * if none.
   */
  followerNeedingSnapshot(leader: Pick<RaftNode, 'matchIndexOf'>): FollowerNeedingSnapshot | null {
    if (this.#needsSnapshot === null) return null;
    const match = leader.matchIndexOf(this.#needsSnapshot.replica);
    return match === null || match >= this.#needsSnapshot.logStartsAfter ? null : this.#needsSnapshot;
  }

  /** Wraps the storage and measures the duration of each synced write of the log. */
  measureStorage(storage: LogStorage): LogStorage {
    const syncs = this.#metrics.addHistogram(
      'log_sync_duration_seconds',
      'Duration of a synced write of log entries or the hard state.',
    );
    return withPersist(storage, async (batch) => {
      const startedAt = performance.now();
      await storage.persist(batch);
      syncs.observe((performance.now() - startedAt) / 1000);
    });
  }

  /** Wraps the node and counts what it refuses. */
  countFailures(node: Proposer): Proposer {
    return {
      propose: (data) => {
        try {
          return node.propose(data);
        } catch (error) {
          this.#proposalsFailed += 1;
          throw error;
        }
      },
      read: async () => {
        try {
          return await node.read();
        } catch (error) {
          this.#readsFailed += 1;
          throw error;
        }
      },
    };
  }

  #describeRaft(metrics: Metrics, parts: () => ReplicaParts): void {
    const status = (): NodeStatus => parts().node.status();
    metrics.addGauge('has_leader', 'Whether a leader is known.', () => (status().leader === null ? 0 : 1));
    metrics.addGauge('is_leader', 'Whether this replica leads and takes orders.', () =>
      status().leading ? 1 : 0,
    );
    metrics.addGauge('raft_term', 'Current term.', () => status().term);
    metrics.addCounter(
      'leader_changes_seen_total',
      'Number of leader changes seen.',
      () => this.#leaderChanges,
    );
    metrics.addCounter('proposals_committed_total', 'Commit index.', () => status().commit);
    metrics.addCounter(
      'proposals_applied_total',
      'Log index of the last entry in the stored order book.',
      () => parts().machine.stored.applied,
    );
    metrics.addGauge('proposals_pending', 'Uncommitted entries in the log.', () => {
      const { lastIndex, commit } = status();
      return Math.max(0, lastIndex - commit);
    });
    metrics.addCounter(
      'proposals_failed_total',
      'Batches that the log refused, for lack of leadership or because of load.',
      () => this.#proposalsFailed,
    );
    metrics.addCounter(
      'read_indexes_failed_total',
      'Reads that a majority did not confirm.',
      () => this.#readsFailed,
    );
    metrics.addGauge('log_first_index', 'Index of the first entry in the log.', () => status().firstIndex);
    metrics.addGauge('log_last_index', 'Index of the last entry in the log.', () => status().lastIndex);
    metrics.addCounter(
      'snapshot_events_total',
      'Compactions, compactions past a live follower, and snapshots sent and installed.',
      () => this.#snapshots,
    );
  }

  #describeBook(metrics: Metrics, parts: () => ReplicaParts): void {
    const stored = (): BookStateMachine['stored'] => parts().machine.stored;
    metrics.addCounter('orders_filled_total', 'Filled orders in the order book.', () => stored().orders);
    metrics.addGauge(
      'orders_pending',
      'Filled orders that are not stored, or not known to be visible.',
      () => parts().machine.unconfirmedOrders,
    );
    metrics.addGauge(
      'orders_visible',
      'Filled orders that reads may return; on followers as last announced in the log.',
      () => parts().session?.visibleOrders ?? stored().visibleOrders,
    );
    metrics.addGauge('stocks', 'Listed stocks.', () => stored().stocks);
    metrics.addGauge('idempotency_keys', 'Idempotency keys in the order book.', () => stored().keys);
    metrics.addCounter(
      'idempotency_key_lookups_total',
      'Keys looked up on disk because the in-memory filter could not rule them out.',
      () => parts().machine.store.keyLookUps,
    );
    metrics.addGauge(
      'leader_orders',
      'Orders at the leader: queued for the log, and open (not yet visible and stored).',
      () => {
        const { queued = 0, open = 0 } = parts().session?.status ?? {};
        return [
          [{ kind: 'queued' }, queued],
          [{ kind: 'open' }, open],
        ];
      },
    );
    metrics.addGauge('catalogs_configured', 'Catalogs in the configured set.', () => parts().catalogs.length);
    metrics.addGauge(
      'catalogs_linked',
      'Configured catalogs linked to this replica.',
      () => parts().catalogs.filter(({ linked }) => linked).length,
    );
    metrics.addGauge(
      'catalogs_with_authority',
      'Catalogs that may answer look-ups; 0 on followers.',
      () => parts().catalogs.filter(({ hasAuthority }) => hasAuthority === true).length,
    );
    metrics.addGauge('frontends_linked', 'Open links from front-ends.', () => parts().frontends);
  }
}

/** A replica as seen from outside: its status, its readiness and its metrics. It looks, and changes nothing. */
import { REPORT_MEMBERS_MAX, type FromReplica, type ReplicaReport } from '@trireme/domain';
import {
  describeMembership,
  type LogStorage,
  type NodeStatus,
  type RaftNode,
  type NodeEvent,
} from '@trireme/raft';
import { Tally, type Check, type Metrics } from '@trireme/service';
import type { CatalogAnswer } from './catalogs-routes.js';
import type { BookMachine } from './machine.js';
import type { BookStore } from './store.js';
import type { LeaderSession, Proposer } from './leader-session.js';
import type { PeerLinks } from './rules/peer-links.js';

/** A follower that lags so far that the log is not kept for it any more. */
interface OutrunFollower {
  readonly replica: string;
  /** Entries that it lacks and the log does not hold. */
  readonly lacks: number;
  readonly logStartsAfter: number;
}

/** What there is to look at; null where it is not open yet. */
export interface ReplicaParts {
  readonly machine: BookMachine<BookStore> | null;
  readonly node: RaftNode | null;
  readonly session: LeaderSession | null;
  readonly frontends: number;
  /** Of the configured set. */
  readonly catalogs: readonly CatalogAnswer[];
  readonly outrun: OutrunFollower | null;
  readonly isStopping: boolean;
}

/** What `GET /status` shows. */
export function replicaStatus({
  machine,
  node: raft,
  session,
  frontends,
  catalogs,
  outrun,
}: ReplicaParts): object {
  const { applied, orders, visibleOrders, hash, keys, stocks, life } = machine?.stored ?? {};
  const { membership, ...node } = raft?.status() ?? {};
  return {
    service: 'replica',
    ...node,
    members: membership && describeMembership(membership),
    // Of the book as it is stored, so that replicas with equal applied index can be compared by hash.
    applied,
    orders,
    hash,
    visibleOrders,
    keys,
    stocks,
    life,
    // Of what was applied, so that nothing is pending only where the store has all of it.
    pending: machine?.pending,
    frontends,
    catalogs,
    session: session?.status ?? null,
    outrun,
  };
}

/** For the front-ends that watch; null before log and book are open. */
export function replicaReport({ node, machine }: ReplicaParts, links: PeerLinks): ReplicaReport | null {
  if (node === null || machine === null) return null;
  const { id, role, term, leader, leading, firstIndex, lastIndex, commit, membership } = node.status();
  const { applied, orders, hash } = machine.stored;
  const { voters, outgoing, learners } = membership;
  const peers = [...new Set([...voters, ...outgoing, ...learners])]
    .filter((peer) => peer !== id)
    .slice(0, REPORT_MEMBERS_MAX)
    .map((peer) => ({ id: peer, ...links.of(peer), match: node.matchOf(peer) }));
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

export function replicaChecks({ node, isStopping }: ReplicaParts): readonly Check[] {
  const leader = node?.status().leader ?? null;
  return [
    { name: 'running', problem: isStopping ? 'stopping' : null },
    { name: 'book', problem: node === null ? 'the book is not open yet' : null },
    { name: 'leader', problem: leader === null ? 'no leader is known' : null },
  ];
}

/** What a front-end is told of who leads. A leader that takes no orders yet holds what it is asked. */
export function announcement({ id, term, leader }: NodeStatus): FromReplica {
  return { t: 'leader', self: id, leader, term };
}

/** What happens seldom, or once a batch, counted over the life of a replica. */
export class ReplicaCounts {
  #leader: string | null = null;
  #leaderChanges = 0;
  #proposalsFailed = 0;
  #readsFailed = 0;
  readonly #snapshots = new Tally();
  #outrun: OutrunFollower | null = null;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics, parts: () => ReplicaParts) {
    this.#metrics = metrics;
    this.#describeRaft(metrics, parts);
    this.#describeBook(metrics, parts);
  }

  /** @param leader who leads; what this replica knew of its followers holds for one leadership alone */
  ledBy(leader: string | null): void {
    if (leader !== this.#leader) this.#outrun = null;
    if (leader === null || leader === this.#leader) return;
    this.#leader = leader;
    this.#leaderChanges += 1;
  }

  /** What the node tells: its snapshots are counted. */
  told(event: NodeEvent): void {
    if (event.type === 'diskSlow' || event.type === 'diskRecovered') return;
    this.#snapshots.add({ event: event.type });
    if (event.type === 'followerOutrun') {
      this.#outrun = {
        replica: event.to,
        lacks: event.base.index - event.index,
        logStartsAfter: event.base.index,
      };
    }
  }

  /** The follower that the log was cut before, until it has come to where the log starts, or left; null if there is none. */
  outrun(leader: Pick<RaftNode, 'matchOf'> | null): OutrunFollower | null {
    if (this.#outrun === null) return null;
    const match = leader?.matchOf(this.#outrun.replica) ?? null;
    return match === null || match >= this.#outrun.logStartsAfter ? null : this.#outrun;
  }

  /** The same store; how long each synced write of the log takes is noted. */
  timed(storage: LogStorage): LogStorage {
    const syncs = this.#metrics.durations(
      'log_sync_duration_seconds',
      'From a batch of log entries, or a vote, to its durability.',
    );
    const persist: LogStorage['persist'] = async (batch) => {
      const startedAt = performance.now();
      await storage.persist(batch);
      syncs.observe((performance.now() - startedAt) / 1000);
    };
    return {
      hardState: () => storage.hardState(),
      base: () => storage.base(),
      lastIndex: () => storage.lastIndex(),
      term: (index) => storage.term(index),
      entries: (low, high, bytesMax) => storage.entries(low, high, bytesMax),
      lastMembership: (index) => storage.lastMembership(index),
      compact: async (base) => storage.compact(base),
      close: async () => storage.close(),
      persist,
    };
  }

  /** The same node; what it refuses is counted. */
  counted(node: Proposer): Proposer {
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
    const status = (): NodeStatus | undefined => parts().node?.status();
    metrics.gauge('has_leader', 'Whether a leader is known.', () =>
      (status()?.leader ?? null) === null ? 0 : 1,
    );
    metrics.gauge('is_leader', 'Whether this replica leads and takes orders.', () =>
      status()?.leading === true ? 1 : 0,
    );
    metrics.gauge('raft_term', 'Current term.', () => status()?.term ?? 0);
    metrics.counter(
      'leader_changes_seen_total',
      'Leaders seen one after the other.',
      () => this.#leaderChanges,
    );
    metrics.counter(
      'proposals_committed_total',
      'Log index up to which is committed.',
      () => status()?.commit ?? 0,
    );
    metrics.counter(
      'proposals_applied_total',
      'Log index up to which the book is stored.',
      () => parts().machine?.stored.applied ?? 0,
    );
    metrics.gauge('proposals_pending', 'Log entries here that are not yet committed.', () => {
      const { lastIndex = 0, commit = 0 } = status() ?? {};
      return Math.max(0, lastIndex - commit);
    });
    metrics.counter(
      'proposals_failed_total',
      'Batches that the log refused: no lead, or too much load.',
      () => this.#proposalsFailed,
    );
    metrics.counter(
      'read_indexes_failed_total',
      'Reads that no majority confirmed.',
      () => this.#readsFailed,
    );
    metrics.gauge('log_first_index', 'First entry that the log still has.', () => status()?.firstIndex ?? 0);
    metrics.gauge('log_last_index', 'Last entry of the log.', () => status()?.lastIndex ?? 0);
    metrics.counter(
      'snapshot_events_total',
      'Compactions, logs cut before a live follower had them, and snapshots sent and installed.',
      () => this.#snapshots,
    );
  }

  #describeBook(metrics: Metrics, parts: () => ReplicaParts): void {
    const stored = (): BookMachine['stored'] | undefined => parts().machine?.stored;
    metrics.counter('orders_filled_total', 'Orders in the book.', () => stored()?.orders ?? 0);
    metrics.gauge(
      'orders_pending',
      'Filled orders that are not stored here, or not known here to be visible.',
      () => parts().machine?.pending ?? 0,
    );
    metrics.gauge(
      'orders_visible',
      'Filled orders that readers may be shown: at the leader as it is, elsewhere as its log last told.',
      () => parts().session?.visibleOrders ?? stored()?.visibleOrders ?? 0,
    );
    metrics.gauge('stocks', 'Stocks that are listed.', () => stored()?.stocks ?? 0);
    metrics.gauge('idempotency_keys', 'Keys that are remembered.', () => stored()?.keys ?? 0);
    metrics.counter(
      'idempotency_key_lookups_total',
      'Keys that were looked for on disk, since memory could not rule them out.',
      () => parts().machine?.store.keyLookUps ?? 0,
    );
    metrics.gauge(
      'office_orders',
      'Orders at a leader: waiting for the log, and not answered and stored.',
      () => {
        const { queued = 0, open = 0 } = parts().session?.status ?? {};
        return [
          [{ kind: 'queued' }, queued],
          [{ kind: 'open' }, open],
        ];
      },
    );
    metrics.gauge('catalogs_configured', 'Catalogs in the set of the log.', () => parts().catalogs.length);
    metrics.gauge(
      'catalogs_linked',
      'Catalogs of the set that keep a link to this replica.',
      () => parts().catalogs.filter(({ linked }) => linked).length,
    );
    metrics.gauge(
      'catalogs_with_authority',
      'Catalogs that may answer look-ups, at the leader; 0 elsewhere.',
      () => parts().catalogs.filter(({ hasAuthority }) => hasAuthority === true).length,
    );
    metrics.gauge('frontends_linked', 'Links of front-ends that are open.', () => parts().frontends);
  }
}

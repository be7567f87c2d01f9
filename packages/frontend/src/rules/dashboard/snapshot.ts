/**
 * The state of the dashboard as one JSON value. It is complete, so a viewer that misses one only needs the
 * next.
 */
import {
  formatCents,
  type CatalogReport,
  type Order,
  type ReplicaReport,
  type FrontendReport,
  type Stock,
} from '@trireme/domain';
import type { TimedReport } from '../report-store.js';
import type { JournalEvent } from './journal.js';
import type { TrafficRates } from './traffic.js';

/** Milliseconds after its last report when a process is shown as silent, for example because it is paused. */
export const SILENT_AFTER_MS = 1_500;

/** Role or state of a replica. */
export type DashboardRole = ReplicaReport['role'] | 'learner' | 'silent' | 'unlinked' | 'unknown';

export interface DashboardPeer {
  readonly id: string;
  readonly inbound: boolean;
  readonly outbound: boolean;
}

export interface DashboardReplica {
  readonly id: string;
  readonly role: DashboardRole;
  /** Whether its link to this front-end is open. */
  readonly linked: boolean;
  /** This and the following fields are from the last report; null before the first one. */
  readonly term: number | null;
  readonly firstIndex: number | null;
  readonly lastIndex: number | null;
  readonly commit: number | null;
  readonly applied: number | null;
  /** Number of the leader's entries that this replica has not stored yet; null if unknown. */
  readonly lag: number | null;
  readonly orders: number | null;
  /** First 8 hex digits of the hash of the order book. */
  readonly hash: string | null;
  /** Links to the other members. */
  readonly peers: readonly DashboardPeer[];
}

/** State of a catalog: `ready` means that it holds authority and answers look-ups. */
export type DashboardCatalogState = 'ready' | 'unready' | 'silent' | 'unlinked' | 'unknown';

export interface DashboardCatalog {
  readonly id: string;
  readonly state: DashboardCatalogState;
  /** Whether the cache of this front-end follows it. */
  readonly current: boolean;
  /** Last log index that it has applied and revoked; null before its first report. */
  readonly lastIndex: number | null;
  /** Number of front-ends with a link to it; null before its first report. */
  readonly frontends: number | null;
}

export interface DashboardStock {
  readonly name: string;
  /** Decimal currency, such as `55.00`. */
  readonly price: string;
  readonly quantity: number;
  /** Whether this front-end can serve it from its cache. */
  readonly cachedHere: boolean;
  /** Other front-ends that may have it in their caches. */
  readonly cachedBy: readonly string[];
}

export interface DashboardOrder {
  readonly number: number;
  readonly name: string;
  readonly type: Order['type'];
  readonly quantity: number;
  readonly price: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** `good`: all processes answer. `degraded`: some do not, but there is a leader. `down`: no leader is known. */
export type Health = 'good' | 'degraded' | 'down';

export interface DashboardSnapshot {
  /** Milliseconds since 1970, on the clock of this front-end. */
  readonly time: number;
  readonly servedBy: string;
  readonly health: Health;
  /** The health in one sentence. */
  readonly verdict: string;
  readonly leader: { readonly replica: string; readonly term: number } | null;
  /** Milliseconds since the last leader was lost; null while one is known. */
  readonly leaderlessMs: number | null;
  readonly replicas: readonly DashboardReplica[];
  readonly catalogs: readonly DashboardCatalog[];
  /** Other front-ends with a link to a catalog. */
  readonly frontends: readonly string[];
  readonly stocks: readonly DashboardStock[];
  /** Total number of stocks, as far as known. */
  readonly stocksTotal: number;
  /** The latest first. */
  readonly orders: readonly DashboardOrder[];
  readonly ordersTotal: number;
  readonly traffic: TrafficRates;
  readonly requestsOpen: number;
  readonly events: readonly JournalEvent[];
}

/** The input of a snapshot. All times except `time` are on a monotonic clock. */
export interface SnapshotInput {
  readonly now: number;
  readonly time: number;
  readonly servedBy: string;
  readonly leader: DashboardSnapshot['leader'];
  readonly leaderlessMs: number | null;
  readonly replicas: readonly {
    readonly id: string;
    readonly linked: boolean;
    readonly lastReport: TimedReport<ReplicaReport> | null;
  }[];
  readonly catalogs: readonly {
    readonly id: string;
    readonly linked: boolean;
    readonly current: boolean;
    readonly lastReport: TimedReport<CatalogReport> | null;
  }[];
  readonly stocks: readonly Stock[];
  readonly isCachedHere: (name: string) => boolean;
  readonly orders: readonly Order[];
  readonly traffic: TrafficRates;
  readonly requestsOpen: number;
  readonly events: readonly JournalEvent[];
}

export function createSnapshot(input: SnapshotInput): DashboardSnapshot {
  const replicas = toDashboardReplicas(input);
  const catalogs = shownCatalogs(input);
  const { health, verdict } = assessHealth(input.leader, replicas, catalogs);
  const reports = input.catalogs.flatMap(({ lastReport }) =>
    lastReport === null ? [] : [lastReport.report],
  );
  const others = reports.flatMap(({ sessions }) => sessions).filter(({ peer }) => peer !== input.servedBy);
  const { time, servedBy, leader, leaderlessMs, traffic, requestsOpen, events } = input;
  return {
    time,
    servedBy,
    health,
    verdict,
    leader,
    leaderlessMs,
    replicas,
    catalogs,
    frontends: peersOf(others),
    stocks: input.stocks.map(({ name, price, quantity }) => ({
      name,
      price: formatCents(price),
      quantity,
      cachedHere: input.isCachedHere(name),
      cachedBy: peersOf(others.filter(({ leaseMs, names }) => leaseMs > 0 && names.includes(name))),
    })),
    stocksTotal: Math.max(input.stocks.length, ...reports.map((report) => report.stocks)),
    orders: input.orders.map(({ number, name, type, quantity, price, time: at }) => ({
      number,
      name,
      type,
      quantity,
      price: formatCents(price),
      time: at,
    })),
    ordersTotal: Math.max(0, ...replicas.map(({ orders }) => orders ?? 0), input.orders[0]?.number ?? 0),
    traffic,
    requestsOpen,
    events,
  };
}

function toDashboardReplicas(input: SnapshotInput): readonly DashboardReplica[] {
  const reports = new Map(input.replicas.map(({ id, lastReport }) => [id, lastReport]));
  const leaderReport = input.leader === null ? null : (reports.get(input.leader.replica)?.report ?? null);
  return input.replicas.map(({ id, linked, lastReport }) => {
    const report = lastReport?.report ?? null;
    const role = shownRole(linked, lastReport, input.now);
    return {
      id,
      role,
      linked,
      term: report?.term ?? null,
      firstIndex: report?.firstIndex ?? null,
      lastIndex: report?.lastIndex ?? null,
      commit: report?.commit ?? null,
      applied: report?.applied ?? null,
      lag: lagOf(id, leaderReport, input.leader?.replica ?? null),
      orders: report?.orders ?? null,
      hash: report?.hash.slice(0, 8) ?? null,
      peers: (report?.peers ?? []).map(({ id: peer, inbound, outbound }) => ({
        id: peer,
        inbound,
        outbound,
      })),
    };
  });
}

function shownRole(
  linked: boolean,
  lastReport: TimedReport<ReplicaReport> | null,
  now: number,
): DashboardRole {
  if (!linked) return 'unlinked';
  if (lastReport === null) return 'unknown';
  if (now - lastReport.receivedAt > SILENT_AFTER_MS) return 'silent';
  const { role, learner } = lastReport.report;
  return learner && role === 'follower' ? 'learner' : role;
}

function lagOf(id: string, leaderReport: ReplicaReport | null, leader: string | null): number | null {
  if (leaderReport === null) return null;
  if (id === leader) return 0;
  const match = leaderReport.peers.find((peer) => peer.id === id)?.match ?? null;
  return match === null ? null : Math.max(0, leaderReport.lastIndex - match);
}

/** Distinct names, sorted: a front-end has a session at every catalog. */
function peersOf(sessions: readonly FrontendReport[]): readonly string[] {
  return [...new Set(sessions.map(({ peer }) => peer))].sort();
}

function shownCatalogs({ catalogs, now }: SnapshotInput): readonly DashboardCatalog[] {
  return catalogs.map(({ id, linked, current, lastReport }) => ({
    id,
    current,
    state: shownCatalogState(linked, lastReport, now),
    lastIndex: lastReport?.report.lastIndex ?? null,
    frontends: lastReport?.report.sessions.length ?? null,
  }));
}

function shownCatalogState(
  linked: boolean,
  lastReport: TimedReport<CatalogReport> | null,
  now: number,
): DashboardCatalogState {
  if (!linked) return 'unlinked';
  if (lastReport === null) return 'unknown';
  if (now - lastReport.receivedAt > SILENT_AFTER_MS) return 'silent';
  return lastReport.report.ready ? 'ready' : 'unready';
}

function assessHealth(
  leader: DashboardSnapshot['leader'],
  replicas: readonly DashboardReplica[],
  catalogs: readonly DashboardCatalog[],
): { readonly health: Health; readonly verdict: string } {
  const up = replicas.filter(({ role }) => role !== 'unlinked' && role !== 'silent').length;
  const count = `${up} of ${replicas.length} replicas answer`;
  if (leader === null)
    return { health: 'down', verdict: `No leader is known; ${count}. Orders wait for a leader.` };
  const leads = `Replica ${leader.replica} leads in term ${leader.term}; ${count}`;
  const missing = catalogs.filter(({ state }) => state !== 'ready' && state !== 'unknown').length;
  if (missing === catalogs.length) {
    return { health: 'degraded', verdict: `${leads}. No catalog is ready; the leader answers look-ups.` };
  }
  const health = up === replicas.length && missing === 0 ? 'good' : 'degraded';
  const ready = `${catalogs.length - missing} of ${catalogs.length} catalogs`;
  return { health, verdict: missing === 0 ? `${leads}.` : `${leads}, and ${ready}.` };
}

/** What the dashboard shows, as one JSON value: everything a viewer needs, so that one missed is made good by the next. */
import {
  formatCents,
  type CatalogReport,
  type Order,
  type ReplicaReport,
  type SessionReport,
  type Stock,
} from '@trireme/domain';
import type { Reported } from '../report-board.js';
import type { JournalEvent } from './journal.js';
import type { TrafficRates } from './traffic.js';

/** A report older than this is no news: its process is silent, as a paused one is. In milliseconds. */
export const SILENT_MS = 1_500;

/** What a replica is, in the one word that is shown. */
export type ShownRole = ReplicaReport['role'] | 'learner' | 'silent' | 'unlinked' | 'unknown';

export interface ShownPeer {
  readonly id: string;
  readonly heard: boolean;
  readonly told: boolean;
}

export interface ShownReplica {
  readonly id: string;
  readonly role: ShownRole;
  /** Whether its link to this front-end is open. */
  readonly linked: boolean;
  /** The rest is null before its first report, and as old as the report is. */
  readonly term: number | null;
  readonly firstIndex: number | null;
  readonly lastIndex: number | null;
  readonly commit: number | null;
  readonly applied: number | null;
  /** Entries that the leader has and this replica's disk has not; null while nobody can tell. */
  readonly lag: number | null;
  readonly orders: number | null;
  /** First 8 hex digits of the book's hash. */
  readonly hash: string | null;
  /** Links to the other members. */
  readonly peers: readonly ShownPeer[];
}

/** What a catalog is, in one word: `ready` holds authority and answers look-ups. */
export type ShownCatalogState = 'ready' | 'unready' | 'silent' | 'unlinked' | 'unknown';

export interface ShownCatalog {
  readonly id: string;
  readonly state: ShownCatalogState;
  /** Whether the cache of this front-end follows it. */
  readonly current: boolean;
  /** Last log index that it has applied and revoked; null before its first report. */
  readonly lastIndex: number | null;
  /** Front-ends with a link to it; null likewise. */
  readonly frontends: number | null;
}

export interface ShownStock {
  readonly name: string;
  /** Decimal currency, such as `55.00`. */
  readonly price: string;
  readonly quantity: number;
  /** Whether this front-end would answer from its cache. */
  readonly cachedHere: boolean;
  /** Other front-ends that may have it in theirs. */
  readonly cachedBy: readonly string[];
}

export interface ShownOrder {
  readonly number: number;
  readonly name: string;
  readonly type: Order['type'];
  readonly quantity: number;
  readonly price: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** How the whole is: everything in order; something is missing and it works on; no orders are taken. */
export type Health = 'good' | 'degraded' | 'down';

export interface DashboardSnapshot {
  /** Milliseconds since 1970, by this front-end. */
  readonly time: number;
  readonly servedBy: string;
  readonly health: Health;
  /** One sentence on the health, for people. */
  readonly verdict: string;
  readonly leader: { readonly replica: string; readonly term: number } | null;
  /** How long no leader has been known, in milliseconds; null while one is. */
  readonly leaderlessMs: number | null;
  readonly replicas: readonly ShownReplica[];
  readonly catalogs: readonly ShownCatalog[];
  /** Other front-ends with a link to a catalog. */
  readonly frontends: readonly string[];
  readonly stocks: readonly ShownStock[];
  /** Stocks in all, as far as is known. */
  readonly stocksTotal: number;
  /** The newest first. */
  readonly orders: readonly ShownOrder[];
  readonly ordersTotal: number;
  readonly traffic: TrafficRates;
  readonly requestsOpen: number;
  readonly events: readonly JournalEvent[];
}

/** What a snapshot is made of. Times are on a clock that never jumps but for `time`. */
export interface SnapshotInput {
  readonly now: number;
  readonly time: number;
  readonly servedBy: string;
  readonly leader: DashboardSnapshot['leader'];
  readonly leaderlessMs: number | null;
  readonly replicas: readonly {
    readonly id: string;
    readonly linked: boolean;
    readonly reported: Reported<ReplicaReport> | null;
  }[];
  readonly catalogs: readonly {
    readonly id: string;
    readonly linked: boolean;
    readonly current: boolean;
    readonly reported: Reported<CatalogReport> | null;
  }[];
  readonly stocks: readonly Stock[];
  readonly isCachedHere: (name: string) => boolean;
  readonly orders: readonly Order[];
  readonly traffic: TrafficRates;
  readonly requestsOpen: number;
  readonly events: readonly JournalEvent[];
}

export function snapshotOf(input: SnapshotInput): DashboardSnapshot {
  const replicas = shownReplicas(input);
  const catalogs = shownCatalogs(input);
  const { health, verdict } = judge(input.leader, replicas, catalogs);
  const reports = input.catalogs.flatMap(({ reported }) => (reported === null ? [] : [reported.report]));
  const others = reports.flatMap(({ sessions }) => sessions).filter(({ peer }) => peer !== input.servedBy);
  const { time, servedBy, leader, leaderlessMs, traffic, requestsOpen, events } = input;
  return {
    ...{ time, servedBy, health, verdict, leader, leaderlessMs, replicas, catalogs },
    frontends: peersOf(others),
    stocks: input.stocks.map(({ name, price, quantity }) => ({
      ...{ name, price: formatCents(price), quantity },
      cachedHere: input.isCachedHere(name),
      cachedBy: peersOf(others.filter(({ leaseMs, names }) => leaseMs > 0 && names.includes(name))),
    })),
    stocksTotal: Math.max(input.stocks.length, ...reports.map((report) => report.stocks)),
    orders: input.orders.map(({ number, name, type, quantity, price, time: at }) => ({
      ...{ number, name, type, quantity, price: formatCents(price), time: at },
    })),
    ordersTotal: Math.max(0, ...replicas.map(({ orders }) => orders ?? 0), input.orders[0]?.number ?? 0),
    ...{ traffic, requestsOpen, events },
  };
}

function shownReplicas(input: SnapshotInput): readonly ShownReplica[] {
  const reports = new Map(input.replicas.map(({ id, reported }) => [id, reported]));
  const leading = input.leader === null ? null : (reports.get(input.leader.replica)?.report ?? null);
  return input.replicas.map(({ id, linked, reported }) => {
    const report = reported?.report ?? null;
    const role = shownRole(linked, reported, input.now);
    return {
      ...{ id, role, linked },
      term: report?.term ?? null,
      firstIndex: report?.firstIndex ?? null,
      lastIndex: report?.lastIndex ?? null,
      commit: report?.commit ?? null,
      applied: report?.applied ?? null,
      lag: lagOf(id, leading, input.leader?.replica ?? null),
      orders: report?.orders ?? null,
      hash: report?.hash.slice(0, 8) ?? null,
      peers: (report?.peers ?? []).map(({ id: peer, heard, told }) => ({ id: peer, heard, told })),
    };
  });
}

function shownRole(linked: boolean, reported: Reported<ReplicaReport> | null, now: number): ShownRole {
  if (!linked) return 'unlinked';
  if (reported === null) return 'unknown';
  if (now - reported.at > SILENT_MS) return 'silent';
  const { role, learner } = reported.report;
  return learner && role === 'follower' ? 'learner' : role;
}

function lagOf(id: string, leading: ReplicaReport | null, leader: string | null): number | null {
  if (leading === null) return null;
  if (id === leader) return 0;
  const match = leading.peers.find((peer) => peer.id === id)?.match ?? null;
  return match === null ? null : Math.max(0, leading.lastIndex - match);
}

/** Each once, by name: a front-end has a link to every catalog. */
function peersOf(sessions: readonly SessionReport[]): readonly string[] {
  return [...new Set(sessions.map(({ peer }) => peer))].sort();
}

function shownCatalogs({ catalogs, now }: SnapshotInput): readonly ShownCatalog[] {
  return catalogs.map(({ id, linked, current, reported }) => ({
    ...{ id, current, state: shownCatalogState(linked, reported, now) },
    lastIndex: reported?.report.lastIndex ?? null,
    frontends: reported?.report.sessions.length ?? null,
  }));
}

function shownCatalogState(
  linked: boolean,
  reported: Reported<CatalogReport> | null,
  now: number,
): ShownCatalogState {
  if (!linked) return 'unlinked';
  if (reported === null) return 'unknown';
  if (now - reported.at > SILENT_MS) return 'silent';
  return reported.report.ready ? 'ready' : 'unready';
}

function judge(
  leader: DashboardSnapshot['leader'],
  replicas: readonly ShownReplica[],
  catalogs: readonly ShownCatalog[],
): { readonly health: Health; readonly verdict: string } {
  const up = replicas.filter(({ role }) => role !== 'unlinked' && role !== 'silent').length;
  const count = `${up} of ${replicas.length} replicas answer`;
  if (leader === null) return { health: 'down', verdict: `No leader is known; ${count}. Orders wait.` };
  const leads = `Replica ${leader.replica} leads in term ${leader.term}; ${count}`;
  const missing = catalogs.filter(({ state }) => state !== 'ready' && state !== 'unknown').length;
  if (missing === catalogs.length) {
    return { health: 'degraded', verdict: `${leads}. No catalog answers: the leader answers look-ups.` };
  }
  const health = up === replicas.length && missing === 0 ? 'good' : 'degraded';
  const ready = `${catalogs.length - missing} of ${catalogs.length} catalogs`;
  return { health, verdict: missing === 0 ? `${leads}.` : `${leads}, and ${ready}.` };
}

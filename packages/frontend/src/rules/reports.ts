/** Validates the reports of replicas and catalogs. */
import {
  expectBoolean,
  expectInteger,
  expectList,
  expectObject,
  expectText,
  FormatError,
  REPORT_MEMBERS_MAX,
  REPORT_STOCKS_MAX,
  REPORT_SESSIONS_MAX,
  RAFT_ROLES,
  type CatalogReport,
  type PeerReport,
  type ReplicaReport,
  type FrontendReport,
} from '@trireme/domain';

/** @throws FormatError if the value is not a valid report of a replica. */
export function parseReplicaReport(value: unknown): ReplicaReport {
  const report = expectObject(value, 'report');
  const role = RAFT_ROLES.find((known) => known === report['role']);
  if (role === undefined) throw new FormatError('report has an unknown role');
  return {
    role,
    term: expectInteger(report['term'], 'term'),
    leader: report['leader'] === null ? null : expectText(report['leader'], 'leader', 64),
    leading: expectBoolean(report['leading'], 'leading'),
    firstIndex: expectInteger(report['firstIndex'], 'first index'),
    lastIndex: expectInteger(report['lastIndex'], 'last index'),
    commit: expectInteger(report['commit'], 'commit'),
    applied: expectInteger(report['applied'], 'applied'),
    orders: expectInteger(report['orders'], 'orders'),
    hash: expectText(report['hash'], 'hash', 64),
    learner: expectBoolean(report['learner'], 'learner'),
    peers: bounded(report['peers'], 'peers', REPORT_MEMBERS_MAX).map(peerReport),
  };
}

/** @throws FormatError if the value is not a valid report of a catalog. */
export function parseCatalogReport(value: unknown): CatalogReport {
  const report = expectObject(value, 'report');
  return {
    lastIndex: expectInteger(report['lastIndex'], 'last index'),
    stocks: expectInteger(report['stocks'], 'stocks'),
    ready: expectBoolean(report['ready'], 'ready'),
    sessions: bounded(report['sessions'], 'sessions', REPORT_SESSIONS_MAX).map(sessionReport),
  };
}

function peerReport(value: unknown): PeerReport {
  const peer = expectObject(value, 'peer');
  return {
    id: expectText(peer['id'], 'peer id', 64),
    heard: expectBoolean(peer['heard'], 'heard'),
    told: expectBoolean(peer['told'], 'told'),
    match: peer['match'] === null ? null : expectInteger(peer['match'], 'match'),
  };
}

function sessionReport(value: unknown): FrontendReport {
  const session = expectObject(value, 'session');
  return {
    peer: expectText(session['peer'], 'session peer', 64),
    leaseMs: expectInteger(session['leaseMs'], 'lease'),
    names: bounded(session['names'], 'names', REPORT_STOCKS_MAX).map((name) => expectText(name, 'name', 64)),
  };
}

function bounded(value: unknown, what: string, sizeMax: number): readonly unknown[] {
  const list = expectList(value, what);
  if (list.length > sizeMax) throw new FormatError(`report has more than ${sizeMax} ${what}`);
  return list;
}

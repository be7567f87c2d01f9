/** Checks of what replicas and catalogs tell of themselves. What is not as the protocol says closes the link. */
import {
  asBoolean,
  asInteger,
  asList,
  asObject,
  asText,
  FormatError,
  REPORT_MEMBERS_MAX,
  REPORT_NAMES_MAX,
  REPORT_SESSIONS_MAX,
  REPORTED_ROLES,
  type CatalogReport,
  type PeerReport,
  type ReplicaReport,
  type SessionReport,
} from '@trireme/domain';

/** @throws FormatError if it is no report of a replica. */
export function replicaReport(value: unknown): ReplicaReport {
  const report = asObject(value, 'report');
  const role = REPORTED_ROLES.find((known) => known === report['role']);
  if (role === undefined) throw new FormatError('report of an unknown role');
  return {
    role,
    term: asInteger(report['term'], 'term'),
    leader: report['leader'] === null ? null : asText(report['leader'], 'leader', 64),
    leading: asBoolean(report['leading'], 'leading'),
    firstIndex: asInteger(report['firstIndex'], 'first index'),
    lastIndex: asInteger(report['lastIndex'], 'last index'),
    commit: asInteger(report['commit'], 'commit'),
    applied: asInteger(report['applied'], 'applied'),
    orders: asInteger(report['orders'], 'orders'),
    hash: asText(report['hash'], 'hash', 64),
    learner: asBoolean(report['learner'], 'learner'),
    peers: bounded(report['peers'], 'peers', REPORT_MEMBERS_MAX).map(peerReport),
  };
}

/** @throws FormatError if it is no report of a catalog. */
export function catalogReport(value: unknown): CatalogReport {
  const report = asObject(value, 'report');
  return {
    lastIndex: asInteger(report['lastIndex'], 'last index'),
    stocks: asInteger(report['stocks'], 'stocks'),
    ready: asBoolean(report['ready'], 'ready'),
    sessions: bounded(report['sessions'], 'sessions', REPORT_SESSIONS_MAX).map(sessionReport),
  };
}

function peerReport(value: unknown): PeerReport {
  const peer = asObject(value, 'peer');
  return {
    id: asText(peer['id'], 'peer id', 64),
    heard: asBoolean(peer['heard'], 'heard'),
    told: asBoolean(peer['told'], 'told'),
    match: peer['match'] === null ? null : asInteger(peer['match'], 'match'),
  };
}

function sessionReport(value: unknown): SessionReport {
  const session = asObject(value, 'session');
  return {
    peer: asText(session['peer'], 'session peer', 64),
    leaseMs: asInteger(session['leaseMs'], 'lease'),
    names: bounded(session['names'], 'names', REPORT_NAMES_MAX).map((name) => asText(name, 'name', 64)),
  };
}

function bounded(value: unknown, what: string, sizeMax: number): readonly unknown[] {
  const list = asList(value, what);
  if (list.length > sizeMax) throw new FormatError(`more than ${sizeMax} ${what}`);
  return list;
}

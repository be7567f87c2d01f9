/** The group as a replica tells of it, and what an operator may ask of it: on the internal port, with the cluster's secret. */
import { setTimeout as delay } from 'node:timers/promises';
import { TriremeError, type ErrorStatus, type MembersFrame, type MemberWire } from '@trireme/domain';
import { RaftError } from '@trireme/raft';
import type { Membership, NodeId, NodeStatus, RaftErrorCode, RaftNode } from '@trireme/raft';
import type { InternalServerOptions } from '@trireme/service';
import { checkChange, parseChange, parseSnapshot, parseTransfer } from './rules/changes.js';
import type { MemberAddresses } from './rules/member-addresses.js';
import { nameOfMember } from './rules/member-ids.js';

/** How long a change or a leadership transfer is waited for, in milliseconds; it may come about all the same. */
const CHANGE_MS_MAX = 15_000;
const TRANSFER_MS_MAX = 5_000;

const STATUSES: Partial<Record<RaftErrorCode, ErrorStatus>> = {
  NOT_READY: 'UNAVAILABLE',
  STOPPED: 'UNAVAILABLE',
  TRANSFER_REFUSED: 'UNAVAILABLE',
  CHANGE_PENDING: 'CHANGE_PENDING',
  BAD_MEMBERSHIP: 'BAD_MEMBERSHIP',
  NOT_CAUGHT_UP: 'NOT_CAUGHT_UP',
  QUORUM_UNREACHABLE: 'QUORUM_UNREACHABLE',
  BAD_CONFIG: 'INVALID_REQUEST',
  LEADERSHIP_LOST: 'OUTCOME_UNKNOWN',
};

/** One member, as `GET /members` shows it. */
interface MemberAnswer {
  readonly id: NodeId;
  /** The replica that it is, or was. */
  readonly name: string;
  /** `leaving` votes until the change that is under way is over. */
  readonly role: 'voter' | 'learner' | 'leaving';
  readonly peerUrl: string | null;
  readonly url: string | null;
  /** How far its log is known to agree with the leader's; null where this replica does not lead. */
  readonly match: number | null;
  /** Whether it answers the leader, or is it; null where this replica does not lead. */
  readonly reachable: boolean | null;
}

/** The group as this replica knows it. */
interface Group {
  readonly node: RaftNode;
  readonly addresses: MemberAddresses;
}

/** Of a group what tells who leads it. */
export interface LeaderView {
  readonly node: {
    status(): Pick<NodeStatus, 'id' | 'role' | 'term' | 'leader' | 'membership'>;
  };
  readonly addresses: MemberAddresses;
}

/** The routes of an internal port that are about the group; `raft` gives null while the replica is starting. */
export function groupRoutes(
  raft: () => RaftNode | null,
  addresses: MemberAddresses,
): Required<Pick<InternalServerOptions, 'routes' | 'actions'>> {
  const group = (): Group => {
    const node = raft();
    if (node === null) throw new TriremeError('UNAVAILABLE', 'the replica is starting');
    return { node, addresses };
  };
  return {
    routes: {
      '/members': async (_, response) => {
        const text = JSON.stringify(describeGroup(group()));
        response
          .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
          .end(text);
        return Promise.resolve();
      },
    },
    actions: {
      '/members': async (body) => changeGroup(group(), body),
      '/transfer': async (body) => transferLead(group(), body),
      '/snapshot': async (body) => snapshotNow(group(), body),
    },
  };
}

/** What front-ends and catalogs are told: where the members are, those that said so, and which configuration that is of. */
export function membersFrame(
  { membership, membershipIndex }: NodeStatus,
  addresses: MemberAddresses,
): MembersFrame {
  const items: MemberWire[] = [];
  for (const [id, logged] of membership.addresses)
    items.push([id, addresses.resolve(id, logged)?.url ?? null]);
  return { t: 'members', index: membershipIndex, items };
}

/** Answers `GET /members`. Who does not lead knows no `match`; the leader's url is among the members'. */
function describeGroup(group: Group): object {
  const { id, role, term, leader, membership, membershipIndex, commit, lastIndex } = group.node.status();
  return {
    ...{ self: id, role, term, leader, commit, lastIndex, index: membershipIndex },
    joint: membership.outgoing.length > 0,
    members: [...membership.addresses.keys()].map((member) => memberOf(group, membership, member)),
  };
}

function memberOf({ node, addresses }: Group, membership: Membership, id: NodeId): MemberAnswer {
  const { voters, outgoing } = membership;
  const address = addresses.resolve(id, membership.addresses.get(id) ?? '');
  const left = outgoing.includes(id) ? 'leaving' : 'learner';
  return {
    ...{ id, name: nameOfMember(id), role: voters.includes(id) ? 'voter' : left },
    ...{ peerUrl: address?.peerUrl ?? null, url: address?.url ?? null },
    match: id === node.status().id && node.status().role === 'leader' ? node.log.lastIndex : node.matchOf(id),
    reachable: node.isReachable(id),
  };
}

/**
 * Does `POST /members`: answers once the change is done, and whoever has left may be stopped.
 * @throws TriremeError `NOT_LEADER` naming who leads, `INVALID_REQUEST`, `BAD_MEMBERSHIP`, `CHANGE_PENDING`,
 *   `NOT_CAUGHT_UP`, `QUORUM_UNREACHABLE`, `UNAVAILABLE`: it had no effect; `OUTCOME_UNKNOWN`: it may yet come about.
 */
async function changeGroup(group: Group, body: unknown): Promise<object> {
  const { node } = group;
  const { change, force } = parseChange(body);
  checkLeads(group);
  checkChange(change, node.status().id);
  await within('GET /members', answered(group, node.changeMembership(change, { force })));
  return describeGroup(group);
}

/**
 * Does `POST /transfer`: transfers leadership to the member `to`, or to the one whose log reaches furthest.
 * @throws TriremeError `NOT_LEADER`, `INVALID_REQUEST`, or `UNAVAILABLE` if no one took it.
 */
async function transferLead(group: Group, body: unknown): Promise<object> {
  const to = parseTransfer(body);
  checkLeads(group);
  const isDone = await answered(
    group,
    group.node.transferLeadership(TRANSFER_MS_MAX, to === null ? {} : { to }),
  );
  if (!isDone) throw new TriremeError('UNAVAILABLE', `no one took the lead within ${TRANSFER_MS_MAX} ms`);
  return describeGroup(group);
}

/**
 * Does `POST /snapshot`, on any replica: its book is made durable, and the log that the book has taken in is dropped, but
 * for the last `keep` entries.
 * @throws TriremeError `INVALID_REQUEST`, or `UNAVAILABLE` while a leader's snapshot is being installed.
 */
async function snapshotNow(group: Group, body: unknown): Promise<object> {
  const keep = parseSnapshot(body);
  const { index, term } = await answered(group, group.node.compact(keep ?? undefined));
  const { id, lastIndex } = group.node.status();
  return { self: id, index, term, lastIndex };
}

/** @throws TriremeError `NOT_LEADER` naming who leads. */
export function checkLeads(group: LeaderView): void {
  if (group.node.status().role !== 'leader') throw notLeader(group);
}

function notLeader({ node, addresses }: LeaderView): TriremeError {
  const { leader, membership } = node.status();
  if (leader === null)
    return new TriremeError('NOT_LEADER', 'this replica does not lead, and knows of no leader');
  const url = addresses.resolve(leader, membership.addresses.get(leader) ?? '')?.url ?? null;
  return new TriremeError('NOT_LEADER', `${leader} leads${url === null ? '' : `, at ${url}`}`);
}

async function answered<T>(group: Group, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    if (error.code === 'NOT_LEADER') throw notLeader(group);
    throw new TriremeError(STATUSES[error.code] ?? 'INTERNAL', error.message, { cause: error });
  }
}

/**
 * Waits for a change, at most for `CHANGE_MS_MAX`.
 * @param where what shows whether it came about
 * @throws TriremeError `OUTCOME_UNKNOWN` after that; what `work` throws.
 */
export async function within(where: string, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = delay(CHANGE_MS_MAX, true, { signal: over.signal }).catch(() => false);
  try {
    const isLate = await Promise.race([work.then(() => false), late]);
    if (!isLate) return;
    throw new TriremeError(
      'OUTCOME_UNKNOWN',
      `the change is not done after ${CHANGE_MS_MAX} ms: look at ${where}`,
    );
  } finally {
    over.abort();
  }
}

/** Routes of a replica's internal port that show the Raft group and let an operator change it. */
import { setTimeout as delay } from 'node:timers/promises';
import { TriremeError, type ErrorStatus, type MembershipFrame, type MemberWire } from '@trireme/domain';
import {
  RaftError,
  type Membership,
  type NodeId,
  type NodeStatus,
  type RaftErrorCode,
  type RaftNode,
} from '@trireme/raft';
import type { InternalServerOptions } from '@trireme/service';
import {
  refuseLeaderRemoval,
  parseMembershipChange,
  parseSnapshot,
  parseTransfer,
} from '../rules/group/membership-requests.js';
import type { MemberAddresses } from '../rules/group/member-addresses.js';
import { nameOfMember } from '../rules/group/member-ids.js';

/** Time limits of a membership change and a leadership transfer in ms; either may still complete afterwards. */
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
interface MemberInfo {
  readonly id: NodeId;
  /** Name of the replica that this member is, or was. */
  readonly name: string;
  /** `leaving`: votes until the membership change in progress is complete. */
  readonly role: 'voter' | 'learner' | 'leaving';
  readonly peerUrl: string | null;
  readonly url: string | null;
  /** Highest log index known to match the leader's log; null if this replica does not lead. */
  readonly match: number | null;
  /** Whether it answers the leader, or is the leader; null if this replica does not lead. */
  readonly reachable: boolean | null;
}

/** The group as this replica knows it. */
interface GroupView {
  readonly node: RaftNode;
  readonly addresses: MemberAddresses;
}

/** The parts of a group that say who leads it. */
export interface LeaderView {
  readonly node: {
    status(): Pick<NodeStatus, 'id' | 'role' | 'term' | 'leader' | 'membership'>;
  };
  readonly addresses: MemberAddresses;
}

/** The routes of an internal port that show and change the group. */
export function groupRoutes(group: GroupView): Required<Pick<InternalServerOptions, 'routes' | 'actions'>> {
  return {
    routes: {
      '/members': async (_, response) => {
        const text = JSON.stringify(describeGroup(group));
        response
          .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
          .end(text);
        return Promise.resolve();
      },
    },
    actions: {
      '/members': async (body) => changeGroup(group, body),
      '/transfer': async (body) => transferLeadership(group, body),
      '/snapshot': async (body) => snapshotNow(group, body),
    },
  };
}

/**
 * The frame that tells front-ends and catalogs the members and their URLs, and the log index of that
 * configuration.
 */
export function membersFrame(
  { membership, membershipIndex }: NodeStatus,
  addresses: MemberAddresses,
): MembershipFrame {
  const items: MemberWire[] = [];
  for (const [id, logged] of membership.addresses)
    items.push([id, addresses.resolve(id, logged)?.url ?? null]);
  return { t: 'members', index: membershipIndex, items };
}

/**
 * Answers `GET /members`. Only the leader knows `match`; other replicas name the leader, whose URL is among
 * the members.
 */
function describeGroup(group: GroupView): object {
  const { id, role, term, leader, membership, membershipIndex, commit, lastIndex } = group.node.status();
  return {
    self: id,
    role,
    term,
    leader,
    commit,
    lastIndex,
    index: membershipIndex,
    joint: membership.outgoing.length > 0,
    members: [...membership.addresses.keys()].map((member) => memberOf(group, membership, member)),
  };
}

function memberOf({ node, addresses }: GroupView, membership: Membership, id: NodeId): MemberInfo {
  const { voters, outgoing } = membership;
  const address = addresses.resolve(id, membership.addresses.get(id) ?? '');
  const left = outgoing.includes(id) ? 'leaving' : 'learner';
  return {
    id,
    name: nameOfMember(id),
    role: voters.includes(id) ? 'voter' : left,
    peerUrl: address?.peerUrl ?? null,
    url: address?.url ?? null,
    match:
      id === node.status().id && node.status().role === 'leader' ? node.log.lastIndex : node.matchIndexOf(id),
    reachable: node.isReachable(id),
  };
}

/**
 * Handles `POST /members`: answers once the change is complete and members that left may be stopped.
 * @throws TriremeError `NOT_LEADER` naming the leader, `INVALID_REQUEST`, `BAD_MEMBERSHIP`, `CHANGE_PENDING`,
 *   `NOT_CAUGHT_UP`, `QUORUM_UNREACHABLE`, `UNAVAILABLE`: no effect; `OUTCOME_UNKNOWN`: it may still be
 *   committed.
 */
async function changeGroup(group: GroupView, body: unknown): Promise<object> {
  const { node } = group;
  const { change, force } = parseMembershipChange(body);
  requireLeader(group);
  refuseLeaderRemoval(change, node.status().id);
  await withTimeLimit('GET /members', withStatus(group, node.changeMembership(change, { force })));
  return describeGroup(group);
}

/**
 * Handles `POST /transfer`: transfers leadership to the member `to`, or to the one with the longest log.
 * @throws TriremeError `NOT_LEADER`, `INVALID_REQUEST`, or `UNAVAILABLE` if no member took over.
 */
async function transferLeadership(group: GroupView, body: unknown): Promise<object> {
  const to = parseTransfer(body);
  requireLeader(group);
  const isDone = await withStatus(
    group,
    group.node.transferLeadership(TRANSFER_MS_MAX, { to: to ?? undefined }),
  );
  if (!isDone)
    throw new TriremeError(
      'UNAVAILABLE',
      `no member took over leadership within ${TRANSFER_MS_MAX} ms; try again`,
    );
  return describeGroup(group);
}

/**
 * Handles `POST /snapshot` on any replica: makes its book durable, and drops the log entries that the book
 * contains, except the last `keep`.
 * @throws TriremeError `INVALID_REQUEST`, or `UNAVAILABLE` while a snapshot of the leader is being installed.
 */
async function snapshotNow(group: GroupView, body: unknown): Promise<object> {
  const keep = parseSnapshot(body);
  const { index, term } = await withStatus(group, group.node.compact(keep ?? undefined));
  const { id, lastIndex } = group.node.status();
  return { self: id, index, term, lastIndex };
}

/** @throws TriremeError `NOT_LEADER` naming the leader. */
export function requireLeader(group: LeaderView): void {
  if (group.node.status().role !== 'leader') throw notLeader(group);
}

function notLeader({ node, addresses }: LeaderView): TriremeError {
  const { leader, membership } = node.status();
  if (leader === null)
    return new TriremeError(
      'NOT_LEADER',
      'this replica is not the leader, and no leader is known; try again',
    );
  const url = addresses.resolve(leader, membership.addresses.get(leader) ?? '')?.url ?? null;
  const where = url === null ? '' : `, at ${url}`;
  return new TriremeError(
    'NOT_LEADER',
    `this replica is not the leader; send the request to the leader, ${leader}${where}`,
  );
}

async function withStatus<T>(group: GroupView, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    if (error.code === 'NOT_LEADER') throw notLeader(group);
    throw new TriremeError(STATUSES[error.code] ?? 'INTERNAL', error.message, { cause: error });
  }
}

/**
 * Waits for a change for at most `CHANGE_MS_MAX`.
 * @param where the request that shows whether the change was made
 * @throws TriremeError `OUTCOME_UNKNOWN` after that time; errors of `work`.
 */
export async function withTimeLimit(where: string, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  const late = delay(CHANGE_MS_MAX, true, { signal: over.signal }).catch(() => false);
  try {
    const isLate = await Promise.race([work.then(() => false), late]);
    if (!isLate) return;
    throw new TriremeError(
      'OUTCOME_UNKNOWN',
      `the change did not complete within ${CHANGE_MS_MAX} ms; check its outcome with ${where}`,
    );
  } finally {
    over.abort();
  }
}

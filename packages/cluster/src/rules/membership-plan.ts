/**
 * Plans the steps from the present group to the operator's goal. Each step depends only on the present group, so an
 * interrupted change continues when it is started again.
 */
import { isRecord } from './is-record.js';

/** One member of the group, as the leader reports it. */
export interface GroupMember {
  readonly id: string;
  /** Name of its replica. */
  readonly name: string;
  /** A `leaving` member votes until the current change is complete. */
  readonly role: 'voter' | 'learner' | 'leaving';
  readonly peerUrl: string | null;
  readonly url: string | null;
  /** Index up to which its log is known to match the leader's; null if unknown. */
  readonly match: number | null;
  /** Whether it answers the leader, or is the leader; null if unknown. */
  readonly reachable: boolean | null;
}

/** The group as one of its replicas reports it, usually the leader. */
export interface GroupState {
  /** Id of the reporting member. */
  readonly self: string;
  readonly role: string;
  readonly term: number;
  readonly leader: string | null;
  readonly commit: number;
  readonly lastIndex: number;
  /** Whether a membership change is in progress (joint consensus, Raft 4.3). */
  readonly joint: boolean;
  readonly members: readonly GroupMember[];
}

/** One part of a change: an element of the body of `POST /members`. */
export type MembershipChange =
  | { readonly type: 'addLearner'; readonly id: string; readonly peerUrl: string; readonly url: string }
  | { readonly type: 'addVoter'; readonly id: string }
  | { readonly type: 'remove'; readonly id: string };

export interface MembershipGoal {
  /** The member that becomes a voter; null for none. Its address may be null if it is already a member. */
  readonly joins: {
    readonly id: string;
    readonly address: { readonly peerUrl: string; readonly url: string } | null;
    /** Whether it becomes a voter even if it lacks log entries. */
    readonly mayLag: boolean;
  } | null;
  /** Names of the replicas whose members leave, except the joining member. */
  readonly leaves: readonly string[];
}

export type MembershipStep =
  | { readonly kind: 'done' }
  /** Wait, then read the group again. */
  | { readonly kind: 'wait'; readonly why: string }
  /** The leader leaves, so another member must lead first. */
  | { readonly kind: 'transfer'; readonly to: string }
  | { readonly kind: 'change'; readonly parts: readonly MembershipChange[] }
  | { readonly kind: 'impossible'; readonly why: string };

/** Entries that a learner may lack and still count as caught up, as new entries arrive all the time. */
export const CAUGHT_UP_LAG_MAX = 500;

/** The next step from the group, as its leader reports it, to the goal. */
export function nextMembershipStep(group: GroupState, { joins, leaves }: MembershipGoal): MembershipStep {
  if (group.joint) return { kind: 'wait', why: 'a membership change is in progress' };
  const leaving = group.members.filter(({ id, name }) => leaves.includes(name) && id !== joins?.id);
  const removals = leaving.map(({ id }): MembershipChange => ({ type: 'remove', id }));
  if (joins !== null) {
    const member = group.members.find(({ id }) => id === joins.id);
    if (member === undefined) {
      if (joins.address === null) return { kind: 'impossible', why: `the group has no member ${joins.id}` };
      return { kind: 'change', parts: [{ type: 'addLearner', id: joins.id, ...joins.address }] };
    }
    if (member.role === 'learner') {
      const why = reasonToWait(group, member);
      if (why !== null && !joins.mayLag) return { kind: 'wait', why };
      const vote: MembershipChange = { type: 'addVoter', id: joins.id };
      const to = leaving.some(({ id }) => id === group.self) ? successor(group, leaving) : null;
      if (to !== null) return { kind: 'transfer', to };
      // A leader does not remove itself. If it is the only voter, the joining member becomes a voter first.
      return { kind: 'change', parts: [...removals.filter(({ id }) => id !== group.self), vote] };
    }
  }
  if (removals.length === 0) return { kind: 'done' };
  if (!leaving.some(({ id }) => id === group.self)) return { kind: 'change', parts: removals };
  const to = successor(group, leaving);
  if (to !== null) return { kind: 'transfer', to };
  return { kind: 'impossible', why: `${group.self} leads, and no remaining voter can take over` };
}

/** Why a learner cannot vote yet; null if it can. */
function reasonToWait(group: GroupState, member: GroupMember): string | null {
  if (member.reachable === false) return `${member.id} does not answer the leader: start it`;
  const lag = lagOf(group, member);
  return lag > CAUGHT_UP_LAG_MAX ? `${member.id} lacks ${lag} log entries` : null;
}

/** Entries of the leader's log that a member is not known to have. */
export function lagOf({ lastIndex }: GroupState, { match }: GroupMember): number {
  return Math.max(0, lastIndex - (match ?? 0));
}

/** The remaining reachable voter with the most complete log; null if there is none. */
function successor(group: GroupState, leaving: readonly GroupMember[]): string | null {
  const remaining = group.members.filter(
    (member) => member.role === 'voter' && member.reachable !== false && !leaving.includes(member),
  );
  const furthest = remaining.reduce<GroupMember | null>(
    (best, member) => (best === null || (member.match ?? 0) > (best.match ?? 0) ? member : best),
    null,
  );
  return furthest?.id ?? null;
}

/** Parses the answer of `GET /members`; null if it is invalid. */
export function parseGroupState(value: unknown): GroupState | null {
  if (!isRecord(value) || !Array.isArray(value['members'])) return null;
  const { self, role, term, leader, commit, lastIndex, joint } = value;
  if (typeof self !== 'string' || typeof role !== 'string' || typeof joint !== 'boolean') return null;
  if (typeof term !== 'number' || typeof commit !== 'number' || typeof lastIndex !== 'number') return null;
  if (leader !== null && typeof leader !== 'string') return null;
  const members: GroupMember[] = [];
  for (const item of value['members'] as unknown[]) {
    const member = parseMember(item);
    if (member === null) return null;
    members.push(member);
  }
  return { self, role, term, leader, commit, lastIndex, joint, members };
}

function parseMember(value: unknown): GroupMember | null {
  if (!isRecord(value)) return null;
  const { id, name, role, match, reachable } = value;
  if (typeof id !== 'string' || typeof name !== 'string') return null;
  if (role !== 'voter' && role !== 'learner' && role !== 'leaving') return null;
  if (match !== null && typeof match !== 'number') return null;
  if (reachable !== null && typeof reachable !== 'boolean') return null;
  return {
    id,
    name,
    role,
    match,
    reachable,
    peerUrl: textOrNull(value['peerUrl']),
    url: textOrNull(value['url']),
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

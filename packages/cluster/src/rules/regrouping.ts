/**
 * How a group comes from what it is to what its operator wants, one step at a time. Each step is decided by the group as it
 * is now and by nothing that was done before, so that whoever was interrupted goes on by asking again.
 */

/** One member of the group, as the leader tells of it. */
export interface GroupMember {
  readonly id: string;
  /** The replica that it is, or was. */
  readonly name: string;
  /** `leaving` votes until the change that is under way is over. */
  readonly role: 'voter' | 'learner' | 'leaving';
  readonly peerUrl: string | null;
  readonly url: string | null;
  /** Index up to which its log is known to agree with the leader's; null where nothing is known. */
  readonly match: number | null;
  /** Whether it answers the leader, or is it; null where nothing is known. */
  readonly reachable: boolean | null;
}

/** The group as a replica tells of it; by its leader, unless something else is said. */
export interface Group {
  /** Id of the member that tells. */
  readonly self: string;
  readonly role: string;
  readonly term: number;
  readonly leader: string | null;
  readonly commit: number;
  readonly lastIndex: number;
  /** Whether a change is under way. */
  readonly joint: boolean;
  readonly members: readonly GroupMember[];
}

/** One part of a change, as a replica's `POST /members` takes it. */
export type ChangePart =
  | { readonly type: 'addLearner'; readonly id: string; readonly peerUrl: string; readonly url: string }
  | { readonly type: 'addVoter'; readonly id: string }
  | { readonly type: 'remove'; readonly id: string };

export interface Goal {
  /** The member that is to vote; null where none is to. Its address may be null if it is a member already. */
  readonly joins: {
    readonly id: string;
    readonly address: { readonly peerUrl: string; readonly url: string } | null;
    /** Whether it is to vote although it lacks much of the log. */
    readonly mayLag: boolean;
  } | null;
  /** Replicas whose members are to go, all but the one that joins. */
  readonly leaves: readonly string[];
}

export type Step =
  | { readonly kind: 'done' }
  /** Nothing to do but to look again. */
  | { readonly kind: 'wait'; readonly why: string }
  /** The leader is to go: another one must lead before. */
  | { readonly kind: 'transfer'; readonly to: string }
  | { readonly kind: 'change'; readonly parts: readonly ChangePart[] }
  | { readonly kind: 'impossible'; readonly why: string };

/** Entries that a learner may lack and count as caught up: orders flow meanwhile. */
export const LAG_MAX = 500;

/** The next step to the goal from the group as its leader tells of it. */
export function nextStep(group: Group, { joins, leaves }: Goal): Step {
  if (group.joint) return { kind: 'wait', why: 'a change of the group is under way' };
  const leaving = group.members.filter(({ id, name }) => leaves.includes(name) && id !== joins?.id);
  const removals = leaving.map(({ id }): ChangePart => ({ type: 'remove', id }));
  if (joins !== null) {
    const member = group.members.find(({ id }) => id === joins.id);
    if (member === undefined) {
      if (joins.address === null)
        return { kind: 'impossible', why: `no member of the group has the id ${joins.id}` };
      return { kind: 'change', parts: [{ type: 'addLearner', id: joins.id, ...joins.address }] };
    }
    if (member.role === 'learner') {
      const why = reasonToWait(group, member);
      if (why !== null && !joins.mayLag) return { kind: 'wait', why };
      const vote: ChangePart = { type: 'addVoter', id: joins.id };
      const to = leaving.some(({ id }) => id === group.self) ? successor(group, leaving) : null;
      if (to !== null) return { kind: 'transfer', to };
      // A leader does not remove itself. Where nobody else votes, the one that joins does so first.
      return { kind: 'change', parts: [...removals.filter(({ id }) => id !== group.self), vote] };
    }
  }
  if (removals.length === 0) return { kind: 'done' };
  if (!leaving.some(({ id }) => id === group.self)) return { kind: 'change', parts: removals };
  const to = successor(group, leaving);
  if (to !== null) return { kind: 'transfer', to };
  return { kind: 'impossible', why: `${group.self} leads, and nobody who stays could take over` };
}

/** Why a learner cannot vote yet; null if it can. */
function reasonToWait(group: Group, member: GroupMember): string | null {
  if (member.reachable === false) return `${member.id} does not answer the leader: start it`;
  const lag = lagOf(group, member);
  return lag > LAG_MAX ? `${member.id} lacks ${lag} entries` : null;
}

/** Entries of the leader's log that a member is not known to have. */
export function lagOf({ lastIndex }: Group, { match }: GroupMember): number {
  return Math.max(0, lastIndex - (match ?? 0));
}

/** The voter that stays and answers whose log reaches furthest, null if there is none. */
function successor(group: Group, leaving: readonly GroupMember[]): string | null {
  const stays = group.members.filter(
    (member) => member.role === 'voter' && member.reachable !== false && !leaving.includes(member),
  );
  const furthest = stays.reduce<GroupMember | null>(
    (best, member) => (best === null || (member.match ?? 0) > (best.match ?? 0) ? member : best),
    null,
  );
  return furthest?.id ?? null;
}

/** Reads the answer of `GET /members`; null if it is none. */
export function parseGroup(value: unknown): Group | null {
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

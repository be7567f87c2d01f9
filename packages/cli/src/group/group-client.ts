/** Client of a group's internal ports for operators. Finds the current leader for each request. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  parseCatalogSet,
  parseGroupState,
  type InternalResponse,
  type CatalogSetState,
  type MembershipChange,
  type GroupState,
  type InternalClient,
} from '@trireme/cluster';
import { errorMessage } from '@trireme/service';
import { COMMAND_EXIT, CommandError } from '../errors.js';

/** Time limit of a read, in milliseconds. */
const READ_MS_MAX = 2_000;
/** Time limit of a change or a leadership transfer, in milliseconds; the leader's own limits are shorter. */
const CHANGE_MS_MAX = 20_000;
/** Time limit of a snapshot, in milliseconds: the replica writes out a large book. */
const SNAPSHOT_MS_MAX = 60_000;
/** Longest wait for a leader, in milliseconds; an election takes one to two seconds at worst. */
const LEADERLESS_MS_MAX = 10_000;
const POLL_MS = 100;

const NO_ANSWER = 'NO_ANSWER';
/** Refusals of a change because of the present state of the group. The change may also have been made before. */
const CHANGE_REFUSALS = ['BAD_MEMBERSHIP', 'NOT_CAUGHT_UP', 'QUORUM_UNREACHABLE'];

/** Refusals after which the caller reads the group again and retries. */
const RETRYABLE = [
  'NOT_LEADER',
  'UNAVAILABLE',
  'CHANGE_PENDING',
  'OUTCOME_UNKNOWN',
  NO_ANSWER,
  ...CHANGE_REFUSALS,
];

/** Why a change was not made, or may not have been made. */
export interface ChangeRefusal {
  /** Error status of the HTTP contract, or `NO_ANSWER`. */
  readonly status: string;
  readonly message: string;
}

/** A change of the catalog set: the body of `POST /catalogs`. */
export type CatalogChange = { readonly add: string } | { readonly remove: string };

/** Answer of `POST /snapshot`: the log now starts after `index` and ends at `lastIndex`. */
interface SnapshotAnswer {
  readonly index: number;
  readonly lastIndex: number;
}

/** Answer of `GET /status` of a replica. */
export interface ReplicaStatus {
  /** Null while the replica opens its data. */
  readonly id: string | null;
  readonly [key: string]: unknown;
}

export class GroupClient {
  readonly #known: () => readonly string[];
  readonly #calls: InternalClient;
  /** URLs that the group reported for its members. The operator may have named only replicas that were replaced. */
  #discovered: readonly string[] = [];
  /** Whether a change has been requested. */
  #hasRequestedChange = false;
  /** Why the last request without an answer got none. */
  #failure: string | null = null;

  /** @param known internal URLs of replicas, for example `http://127.0.0.1:8191`; called for each request */
  constructor(known: () => readonly string[], calls: InternalClient) {
    this.#known = known;
    this.#calls = calls;
  }

  /** The group as its leader sees it. @throws CommandError `unavailable` if no replica leads within 10 s; `denied`. */
  async group(): Promise<GroupState> {
    const until = performance.now() + LEADERLESS_MS_MAX;
    for (;;) {
      const { leader, groups } = await this.#poll();
      if (leader !== null) return leader;
      if (performance.now() > until) {
        const why = describeNoLeader(groups) ?? this.describeNoAnswer();
        const effect = this.#hasRequestedChange
          ? 'the requested change may have been made'
          : 'nothing was changed';
        throw new CommandError(COMMAND_EXIT.unavailable, `${why}; ${effect}`);
      }
      await delay(POLL_MS);
    }
  }

  /** Like `group`, but without waiting: null if no replica leads. @throws CommandError `denied`. */
  async tryGroup(): Promise<GroupState | null> {
    return (await this.#poll()).leader;
  }

  /**
   * The group as its leader sees it, or if no replica leads, as the replica with the most complete log sees it.
   * @throws CommandError `unavailable` if no replica answers; `denied`.
   */
  async anyGroup(): Promise<GroupState> {
    const { leader, groups } = await this.#poll();
    const group = leader ?? mostComplete(groups);
    if (group !== null) return group;
    throw new CommandError(COMMAND_EXIT.unavailable, this.describeNoAnswer());
  }

  /** That no replica answers, with the reason of the last one, such as an expired certificate. */
  describeNoAnswer(): string {
    const why = this.#failure === null ? '' : `: ${this.#failure}`;
    return `no replica answers at ${this.urls.join(', ')}${why}`;
  }

  /** Internal URLs of all known replicas. */
  get urls(): readonly string[] {
    return [...new Set([...this.#known(), ...this.#discovered])];
  }

  /** Status of the replica at `url`; null if it does not answer. */
  async status(url: string): Promise<ReplicaStatus | null> {
    const answer = await this.#request(url, '/status', READ_MS_MAX);
    if (answer?.status !== 200 || typeof answer.body !== 'object' || answer.body === null) return null;
    const { id, ...more } = answer.body as Record<string, unknown>;
    return { ...more, id: typeof id === 'string' ? id : null };
  }

  /**
   * Requests a membership change from the leader.
   * @param force also if too few voters would answer afterwards, or the new voter lacks log entries
   * @returns null once the change is made; otherwise why it was not, or may not have been: then read the group again.
   * @throws CommandError `refused` with the leader's message.
   */
  async changeMembers(
    leader: GroupState,
    parts: readonly MembershipChange[],
    force: boolean,
  ): Promise<ChangeRefusal | null> {
    this.#hasRequestedChange = true;
    return this.#requestChange(leader, '/members', { change: parts, force });
  }

  /** Requests a leadership transfer; with `to` null the leader chooses the target. Returns and throws like `changeMembers`. */
  async transferLeadership(leader: GroupState, to: string | null): Promise<ChangeRefusal | null> {
    return this.#requestChange(leader, '/transfer', { to });
  }

  /**
   * The catalog set as the leader sees it.
   * @throws CommandError `unavailable` if no leader answers within 10 s; `denied`.
   */
  async catalogs(): Promise<CatalogSetState> {
    const until = performance.now() + LEADERLESS_MS_MAX;
    for (;;) {
      const leader = await this.group();
      const set = await this.tryCatalogs(leader);
      if (set !== null) return set;
      if (performance.now() > until)
        throw new CommandError(
          COMMAND_EXIT.unavailable,
          `the leader ${leader.self} does not answer GET /catalogs: see its log`,
        );
      await delay(POLL_MS);
    }
  }

  /** Like `catalogs`, but without waiting: null if `leader` does not answer. @throws CommandError `denied`. */
  async tryCatalogs(leader: GroupState): Promise<CatalogSetState | null> {
    const url = urlOfLeader(leader);
    const answer = url === null ? null : await this.#request(url, '/catalogs', READ_MS_MAX);
    if (url !== null && answer !== null) checkAllowed(url, answer);
    return answer?.status === 200 ? parseCatalogSet(answer.body) : null;
  }

  /** Requests a change of the catalog set from the leader. Returns and throws like `changeMembers`. */
  async changeCatalogs(change: CatalogChange): Promise<ChangeRefusal | null> {
    const leader = await this.group();
    this.#hasRequestedChange = true;
    return this.#requestChange(leader, '/catalogs', change);
  }

  /** Makes the replica at `url` write out its book and compact its log. @throws CommandError `denied`. */
  async snapshot(url: string, keep: number | null): Promise<SnapshotAnswer | ChangeRefusal> {
    const answer = await this.#request(url, '/snapshot', SNAPSHOT_MS_MAX, { keep });
    if (answer === null) return { status: NO_ANSWER, message: 'the replica does not answer' };
    checkAllowed(url, answer);
    if (answer.status !== 200) return errorOf(answer.body);
    const { index, lastIndex } = answer.body as Partial<SnapshotAnswer>;
    if (typeof index !== 'number' || typeof lastIndex !== 'number') return errorOf(null);
    return { index, lastIndex };
  }

  async #poll(): Promise<{ readonly leader: GroupState | null; readonly groups: readonly GroupState[] }> {
    const answers = await Promise.all(this.urls.map(async (url) => this.#groupBy(url)));
    const groups = answers.filter((group) => group !== null);
    const leader = leaderOf(groups);
    // Without a leader use every answer: the leader may be a replica that the operator did not name.
    const members = (leader === null ? groups : [leader]).flatMap((group) => group.members);
    if (members.length > 0) this.#discovered = members.map(({ url }) => url).filter((url) => url !== null);
    return { leader, groups };
  }

  async #requestChange(leader: GroupState, path: string, body: object): Promise<ChangeRefusal | null> {
    const { self } = leader;
    const url = urlOfLeader(leader);
    if (url === null)
      throw new CommandError(COMMAND_EXIT.refused, `the group does not know the URL of its leader ${self}`);
    const answer = await this.#request(url, path, CHANGE_MS_MAX, body);
    if (answer === null) return { status: NO_ANSWER, message: `the leader ${self} does not answer` };
    if (answer.status === 200) return null;
    const refusal = errorOf(answer.body);
    if (RETRYABLE.includes(refusal.status)) return refusal;
    throw refusalError(self, refusal);
  }

  async #groupBy(url: string): Promise<GroupState | null> {
    const answer = await this.#request(url, '/members', READ_MS_MAX);
    if (answer !== null) checkAllowed(url, answer);
    return answer?.status === 200 ? parseGroupState(answer.body) : null;
  }

  async #request(url: string, path: string, msMax: number, body?: object): Promise<InternalResponse | null> {
    return this.#calls.requestJson(url + path, msMax, body, (reason) => {
      this.#failure = errorMessage(reason);
    });
  }
}

function urlOfLeader({ self, members }: GroupState): string | null {
  return members.find(({ id }) => id === self)?.url ?? null;
}

/** @throws CommandError `denied` */
function checkAllowed(url: string, { status, body }: InternalResponse): void {
  if (status === 401 || status === 403)
    throw new CommandError(COMMAND_EXIT.denied, `${url} refuses the request: ${errorOf(body).message}`);
}

/** Explains why no replica leads, from the answers of the replicas; null if none answers. */
function describeNoLeader(groups: readonly GroupState[]): string | null {
  const group = mostComplete(groups);
  if (group === null) return null;
  const voters = group.members.filter(({ role }) => role !== 'learner').map(({ id }) => id);
  const up = voters.filter((id) => groups.some(({ self }) => self === id));
  const down = voters.filter((id) => !up.includes(id));
  const needed = Math.floor(voters.length / 2) + 1;
  if (up.length >= needed) return `no replica leads, although ${up.join(', ')} answer: see their logs`;
  return (
    `no replica leads: ${up.length} of ${voters.length} voters answer, but ${needed} are needed. ` +
    `Start ${needed - up.length} of ${down.join(', ')}`
  );
}

/** The answer with the highest commit index; null if there is none. */
function mostComplete(groups: readonly GroupState[]): GroupState | null {
  return groups.reduce<GroupState | null>(
    (best, one) => (best === null || one.commit > best.commit ? one : best),
    null,
  );
}

/** Whether the leader refused a change because of the state of the group. */
export function isChangeRefusal(refusal: ChangeRefusal | null): boolean {
  return refusal !== null && CHANGE_REFUSALS.includes(refusal.status);
}

export function refusalError(leader: string, { status, message }: ChangeRefusal): CommandError {
  return new CommandError(COMMAND_EXIT.refused, `the leader ${leader} refuses: ${message} (${status})`);
}

/** The leader with the highest term: a deposed leader that does not know it yet also reports that it leads. */
function leaderOf(groups: readonly GroupState[]): GroupState | null {
  const leaders = groups.filter(({ role }) => role === 'leader');
  return leaders.reduce<GroupState | null>(
    (best, group) => (best === null || group.term > best.term ? group : best),
    null,
  );
}

function errorOf(body: unknown): ChangeRefusal {
  const error = (body as { error?: { status?: unknown; message?: unknown } } | null)?.error;
  const { status, message } = error ?? {};
  return {
    status: typeof status === 'string' ? status : 'UNKNOWN',
    message: typeof message === 'string' ? message : 'the answer is not a valid error',
  };
}

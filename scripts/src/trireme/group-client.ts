/** The group's internal ports as an operator speaks to them, whoever leads. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  parseCatalogs,
  parseGroup,
  type CallAnswer,
  type CatalogSet,
  type ChangePart,
  type Group,
  type InternalCalls,
} from '@trireme/cluster';
import { COMMAND_EXIT, CommandError } from './errors.js';

/** A question gets this long, in milliseconds. */
const ASK_MS_MAX = 2_000;
/** A change or a leadership transfer; the leader itself gives up before. */
const CHANGE_MS_MAX = 20_000;
/** A book is written out, however large it is. */
const SNAPSHOT_MS_MAX = 60_000;
/** How long no leader may be known, in milliseconds: elections take one to two seconds at worst. */
const LEADERLESS_MS_MAX = 10_000;
const POLL_MS = 100;

const NO_ANSWER = 'NO_ANSWER';
/** A change that cannot be, is the case already, or is refused for the members that answer now: look again. */
const CHANGE_REFUSALS = ['BAD_MEMBERSHIP', 'NOT_CAUGHT_UP', 'QUORUM_UNREACHABLE'];

/** Refusals that pass by themselves, or after which one has to look how the group stands. */
const PASSING = [
  ...['NOT_LEADER', 'UNAVAILABLE', 'CHANGE_PENDING', 'OUTCOME_UNKNOWN', NO_ANSWER],
  ...CHANGE_REFUSALS,
];

/** Why a change did not come about, or not surely. */
export interface Refusal {
  /** The contract's word for it, or `NO_ANSWER`. */
  readonly status: string;
  readonly message: string;
}

/** A change of the set of catalogs, as a leader's `POST /catalogs` takes it. */
export type CatalogChange = { readonly add: string } | { readonly remove: string };

/** How far a replica's log is in its book alone. */
interface SnapshotAnswer {
  readonly index: number;
  readonly lastIndex: number;
}

/** What a replica says of itself. */
export interface ReplicaStatus {
  /** Null while it opens its data. */
  readonly id: string | null;
  readonly [key: string]: unknown;
}

export class GroupClient {
  readonly #known: () => readonly string[];
  readonly #calls: InternalCalls;
  /** Where members were seen to be: whoever was replaced may be all that the operator named. */
  #seen: readonly string[] = [];
  /** Whether a change was asked for. */
  #hasAsked = false;

  /** @param known internal ports of replicas, such as `http://127.0.0.1:8191`; asked for each time */
  constructor(known: () => readonly string[], calls: InternalCalls) {
    this.#known = known;
    this.#calls = calls;
  }

  /** The group as its leader tells of it. @throws CommandError `unavailable` if nobody leads within 10 s; `denied`. */
  async group(): Promise<Group> {
    const until = performance.now() + LEADERLESS_MS_MAX;
    for (;;) {
      const { leader, groups } = await this.#look();
      if (leader !== null) return leader;
      if (performance.now() > until) {
        const why = tellLeaderless(groups) ?? `no replica answers at ${this.urls.join(', ')}`;
        const asked = this.#hasAsked
          ? 'the change that was asked for may have been made'
          : 'nothing was changed';
        throw new CommandError(COMMAND_EXIT.unavailable, `${why}; ${asked}`);
      }
      await delay(POLL_MS);
    }
  }

  /** The same as it is now, null where nobody leads. @throws CommandError `denied`. */
  async groupNow(): Promise<Group | null> {
    return (await this.#look()).leader;
  }

  /** Where replicas are, as far as is known. */
  get urls(): readonly string[] {
    return [...new Set([...this.#known(), ...this.#seen])];
  }

  /** What the replica at `url` says of itself, null if it says nothing. */
  async status(url: string): Promise<ReplicaStatus | null> {
    const answer = await this.#ask(url, '/status', ASK_MS_MAX);
    if (answer?.status !== 200 || typeof answer.body !== 'object' || answer.body === null) return null;
    const { id, ...more } = answer.body as Record<string, unknown>;
    return { ...more, id: typeof id === 'string' ? id : null };
  }

  /**
   * Has the leader change the group, with `force` whoever answers. Null once it is done; else why it is not, or not surely: look again.
   * @throws CommandError `refused`, in the leader's words.
   */
  async change(leader: Group, parts: readonly ChangePart[], force: boolean): Promise<Refusal | null> {
    this.#hasAsked = true;
    return this.#tell(leader, '/members', { change: parts, force });
  }

  /** Has the leader transfer leadership, to whom it likes where `to` is null; answers as `change` does. */
  async transfer(leader: Group, to: string | null): Promise<Refusal | null> {
    return this.#tell(leader, '/transfer', { to });
  }

  /** The set of catalogs as the leader tells of it. @throws CommandError `unavailable` if no leader tells within 10 s; `denied`. */
  async catalogs(): Promise<CatalogSet> {
    const until = performance.now() + LEADERLESS_MS_MAX;
    for (;;) {
      const leader = await this.group();
      const set = await this.catalogsNow(leader);
      if (set !== null) return set;
      if (performance.now() > until)
        throw new CommandError(
          COMMAND_EXIT.unavailable,
          `${leader.self}, the leader, does not tell which catalogs there are`,
        );
      await delay(POLL_MS);
    }
  }

  /** The same as `leader` tells it now, null if it does not. @throws CommandError `denied`. */
  async catalogsNow(leader: Group): Promise<CatalogSet | null> {
    const url = urlOfLeader(leader);
    const answer = url === null ? null : await this.#ask(url, '/catalogs', ASK_MS_MAX);
    if (url !== null && answer !== null) checkAllowed(url, answer);
    return answer?.status === 200 ? parseCatalogs(answer.body) : null;
  }

  /** Has the leader change the set of catalogs; answers and throws as `change` does. */
  async changeCatalogs(change: CatalogChange): Promise<Refusal | null> {
    const leader = await this.group();
    this.#hasAsked = true;
    return this.#tell(leader, '/catalogs', change);
  }

  /** Has the replica at `url` drop its log behind its book; says why not where it does not. @throws CommandError `denied`. */
  async snapshot(url: string, keep: number | null): Promise<SnapshotAnswer | Refusal> {
    const answer = await this.#ask(url, '/snapshot', SNAPSHOT_MS_MAX, { keep });
    if (answer === null) return { status: NO_ANSWER, message: 'it does not answer' };
    checkAllowed(url, answer);
    if (answer.status !== 200) return errorOf(answer.body);
    const { index, lastIndex } = answer.body as Partial<SnapshotAnswer>;
    if (typeof index !== 'number' || typeof lastIndex !== 'number') return errorOf(null);
    return { index, lastIndex };
  }

  async #look(): Promise<{ readonly leader: Group | null; readonly groups: readonly Group[] }> {
    const told = await Promise.all(this.urls.map(async (url) => this.#groupBy(url)));
    const groups = told.filter((group) => group !== null);
    const leader = leaderOf(groups);
    // Of whoever answers where nobody leads: the one that leads may be none of those that the operator named.
    const members = (leader === null ? groups : [leader]).flatMap((group) => group.members);
    if (members.length > 0) this.#seen = members.map(({ url }) => url).filter((url) => url !== null);
    return { leader, groups };
  }

  async #tell(leader: Group, path: string, body: object): Promise<Refusal | null> {
    const { self } = leader;
    const url = urlOfLeader(leader);
    if (url === null)
      throw new CommandError(COMMAND_EXIT.refused, `nobody knows where ${self}, the leader, is`);
    const answer = await this.#ask(url, path, CHANGE_MS_MAX, body);
    if (answer === null) return { status: NO_ANSWER, message: `${self} does not answer` };
    if (answer.status === 200) return null;
    const refusal = errorOf(answer.body);
    if (PASSING.includes(refusal.status)) return refusal;
    throw refusedBy(self, refusal);
  }

  async #groupBy(url: string): Promise<Group | null> {
    const answer = await this.#ask(url, '/members', ASK_MS_MAX);
    if (answer !== null) checkAllowed(url, answer);
    return answer?.status === 200 ? parseGroup(answer.body) : null;
  }

  async #ask(url: string, path: string, msMax: number, body?: object): Promise<CallAnswer | null> {
    return this.#calls.ask(url + path, msMax, body);
  }
}

function urlOfLeader({ self, members }: Group): string | null {
  return members.find(({ id }) => id === self)?.url ?? null;
}

/** @throws CommandError `denied` */
function checkAllowed(url: string, { status, body }: CallAnswer): void {
  if (status === 401 || status === 403)
    throw new CommandError(COMMAND_EXIT.denied, `${url} refuses: ${errorOf(body).message}`);
}

/** Why nobody leads, by those who answer; null if none does. */
function tellLeaderless(groups: readonly Group[]): string | null {
  const group = groups.reduce<Group | null>(
    (best, one) => (best === null || one.commit > best.commit ? one : best),
    null,
  );
  if (group === null) return null;
  const voters = group.members.filter(({ role }) => role !== 'learner').map(({ id }) => id);
  const up = voters.filter((id) => groups.some(({ self }) => self === id));
  const down = voters.filter((id) => !up.includes(id));
  const needed = Math.floor(voters.length / 2) + 1;
  if (up.length >= needed) return `no replica leads, though ${up.join(', ')} answer: see their logs`;
  return (
    `no replica leads: ${up.length} of the ${voters.length} voters answer, and ${needed} are needed. ` +
    `Start ${needed - up.length} of ${down.join(', ')}`
  );
}

/** Whether a change was refused as it is, for now or for good. */
export function isChangeRefusal(refusal: Refusal | null): boolean {
  return refusal !== null && CHANGE_REFUSALS.includes(refusal.status);
}

export function refusedBy(leader: string, { status, message }: Refusal): CommandError {
  return new CommandError(COMMAND_EXIT.refused, `${leader} refuses: ${message} (${status})`);
}

/** Who was deposed without knowing it says that it leads as well: the highest term counts. */
function leaderOf(groups: readonly Group[]): Group | null {
  const leaders = groups.filter(({ role }) => role === 'leader');
  return leaders.reduce<Group | null>(
    (best, group) => (best === null || group.term > best.term ? group : best),
    null,
  );
}

function errorOf(body: unknown): Refusal {
  const error = (body as { error?: { status?: unknown; message?: unknown } } | null)?.error;
  const { status, message } = error ?? {};
  return {
    status: typeof status === 'string' ? status : 'UNKNOWN',
    message: typeof message === 'string' ? message : 'an answer that makes no sense',
  };
}

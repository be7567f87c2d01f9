/**
 * Two leaders in succession with the real rules of authority and visibility, over an abstract Raft log.
 *
 * What a majority stores and which rounds it has confirmed matters only when a leader learns of it, and when
 * the next leader is elected. So it is chosen then: the outcome of an election is how much of the first
 * leader's log is committed, how much of it the second leader has, and which rounds of the first leader were
 * confirmed before.
 */
import { AuthorityManager, initialLeaderState } from '../index.js';
import type { CatalogProgress, AuthorityEffect, AuthorityState, LinkId, LogIndex } from '../index.js';
import type { LeaderToCatalog, CatalogToLeader } from '../index.js';
import { moveBack, NOW, type Rename } from './clock.js';
import { processOf, swapProcess } from './links.js';
import { canonicalText, cachedCanonicalText, type PartResult } from './parts.js';
import type { StepBounds, PlannedEntry, ExplorerScenario } from './scenario.js';

export type LeaderNumber = 0 | 1;

export interface LeaderPart {
  readonly state: AuthorityState;
  readonly log: readonly PlannedEntry[];
}

/** A round in which a majority confirms that a leader still leads, for a request for authority. */
export interface Round {
  readonly leader: LeaderNumber;
  readonly link: LinkId;
  readonly id: number;
  /** Whether a majority confirmed the round before it voted for the next leader. */
  readonly isConfirmed: boolean;
}

export interface CatchUp {
  readonly leader: LeaderNumber;
  readonly link: LinkId;
  readonly after: LogIndex;
}

/** A linearizable read that a leader answers from its visible state. */
export interface LeaderRead {
  readonly leader: LeaderNumber;
  readonly isConfirmed: boolean;
  /** The visible index when the read was sent. */
  readonly floor: LogIndex;
  /**
   * The read is answered once this entry is visible at the leader; null until the leader knows that its round
   * is confirmed.
   */
  readonly visibleFrom: LogIndex | null;
}

/** Counters of the whole state. */
export type Counters = Omit<StepBounds, 'authorityRequests' | 'leaseRequests' | 'lookUps' | 'lists'>;

export interface RaftPart {
  /** The second leader is null before its election; the first one is null after it has crashed. */
  readonly leaders: readonly [LeaderPart | null, LeaderPart | null];
  readonly isElected: boolean;
  /** Since the election: the index up to which the first leader's log is committed for certain. */
  readonly committedPrefix: LogIndex;
  /** The committed entries, which define the true value of every stock. */
  readonly history: readonly PlannedEntry[];
  /** Outcomes of entries up to here were acknowledged to clients. */
  readonly visible: LogIndex;
  readonly rounds: readonly Round[];
  /** Attached catalogs that were not sent the existing log yet. */
  readonly catchingUp: readonly CatchUp[];
  readonly reads: readonly LeaderRead[];
  readonly used: Counters;
}

/** Effect of a leader's step on the catalogs. */
export type RaftEffect =
  | {
      readonly do: 'toCatalog';
      readonly leader: LeaderNumber;
      readonly link: LinkId;
      readonly message: LeaderToCatalog;
    }
  /** @param isReplaced another process of the same catalog has attached */
  | {
      readonly do: 'close';
      readonly leader: LeaderNumber;
      readonly link: LinkId;
      readonly isReplaced: boolean;
    }
  | { readonly do: 'wrong'; readonly what: string };

type Result = PartResult<RaftPart, RaftEffect>;
type Act = (rules: AuthorityManager) => AuthorityEffect[];

/** Outcome of an election. */
export interface ElectionOutcome {
  readonly log: readonly PlannedEntry[];
  readonly held: LogIndex;
  /** Which rounds of the first leader are confirmed. */
  readonly rounds: readonly boolean[];
}

export const ZERO_COUNTERS: Counters = {
  elections: 0,
  leaderCrashes: 0,
  catalogBreaks: 0,
  frontendBreaks: 0,
  catalogRestarts: 0,
  leaderReads: 0,
  ticks: 0,
};

export class RaftSteps {
  readonly #scenario: ExplorerScenario;

  constructor(scenario: ExplorerScenario) {
    this.#scenario = scenario;
  }

  first(): RaftPart {
    const { initialSet, inherited, plans, authorityTicks } = this.#scenario;
    const log = [...inherited, ...plans[0].slice(0, 1)];
    const set = catalogSet(initialSet, log);
    return {
      leaders: [{ state: initialLeaderState(log.length, 0, set, authorityTicks, NOW), log }, null],
      isElected: false,
      committedPrefix: 0,
      history: [],
      visible: 0,
      rounds: [],
      catchingUp: [],
      reads: [],
      used: ZERO_COUNTERS,
    };
  }

  log(part: RaftPart, leader: LeaderNumber, entry: PlannedEntry): Result {
    const log = [...slotOf(part, leader).log, entry];
    return this.#act(withLeader(part, leader, { ...slotOf(part, leader), log }), leader, (rules) => {
      const effects = entry.catalogs && rules.onCatalogSetLogged(log.length, entry.catalogs, NOW);
      return [...(effects ?? []), ...rules.onLogged(log.length, entry.stocks)];
    });
  }

  /** A leader learns that entries up to `index` are committed. */
  commit(part: RaftPart, leader: LeaderNumber, index: LogIndex): Result {
    const committed = slotOf(part, leader).log.slice(0, index);
    const history = committed.length > part.history.length ? committed : part.history;
    return this.#act({ ...part, history }, leader, (rules) => rules.onCommitted(index, NOW));
  }

  /** The second leader is elected and logs the first entry of its term. */
  elect(part: RaftPart, { log: inherited, held, rounds: confirmed }: ElectionOutcome): Result {
    const { initialSet, plans, authorityTicks } = this.#scenario;
    const log = [...inherited, ...plans[1].slice(0, 1)];
    const ids = catalogSet(initialSet, log);
    const state = initialLeaderState(log.length, 0, ids, authorityTicks, NOW);
    const rounds = part.rounds.flatMap((round, at) =>
      confirmed[at] ? [{ ...round, isConfirmed: true }] : [],
    );
    const history = inherited.slice(0, Math.max(held, part.history.length));
    const elected = { ...withLeader(part, 1, { state, log }), isElected: true, held, history, rounds };
    return done(increment(elected, 'elections'));
  }

  crash(part: RaftPart): Result {
    const effects: RaftEffect[] = [];
    for (const { link } of slotOf(part, 0).state.catalogs.values()) {
      if (link !== null) effects.push({ do: 'close', leader: 0, link, isReplaced: false });
    }
    const crashed = {
      ...part,
      leaders: [null, part.leaders[1]] as const,
      rounds: part.rounds.filter(({ leader }) => leader !== 0),
      catchingUp: part.catchingUp.filter(({ leader }) => leader !== 0),
      reads: part.reads.filter(({ leader }) => leader !== 0),
    };
    return { value: increment(crashed, 'leaderCrashes'), effects };
  }

  timer(part: RaftPart, leader: LeaderNumber): Result {
    return this.#act(part, leader, (rules) => rules.advance(NOW));
  }

  retire(part: RaftPart, leader: LeaderNumber, id: string): Result {
    return this.#act(part, leader, (rules) => {
      rules.retire(id);
      return [];
    });
  }

  receive(part: RaftPart, leader: LeaderNumber, link: LinkId, message: CatalogToLeader): Result {
    if (part.leaders[leader] === null) return done(part);
    return this.#act(part, leader, (rules) => rules.onMessage(link, message, NOW));
  }

  /** The leader notices that a link is closed. */
  close(part: RaftPart, leader: LeaderNumber, link: LinkId): Result {
    if (part.leaders[leader] === null) return done(part);
    return this.#act(withoutLink(part, leader, link), leader, (rules) => {
      rules.onLinkClosed(link);
      return [];
    });
  }

  /** A leader learns that a majority has confirmed a round. */
  endRound(part: RaftPart, index: number): Result {
    const round = part.rounds[index];
    if (round === undefined) return done(part);
    const rounds = part.rounds.filter((_, at) => at !== index);
    return this.#act({ ...part, rounds }, round.leader, (rules) =>
      rules.onRoundEnd(round.link, round.id, true, NOW),
    );
  }

  /** @param isSnapshot whether a snapshot of visible state is sent instead of the entries that it contains */
  catchUp(part: RaftPart, index: number, isSnapshot: boolean): Result {
    const catchUp = part.catchingUp[index];
    if (catchUp === undefined) return done(part);
    const { leader, link, after } = catchUp;
    const catchingUp = part.catchingUp.filter((_, at) => at !== index);
    const { log, state } = slotOf(part, leader);
    const send = (message: LeaderToCatalog): RaftEffect => ({ do: 'toCatalog', leader, link, message });
    const entries = log.map(({ stocks: names }, at) => send({ t: 'entry', index: at + 1, names }));
    const snapshot = send({ t: 'snapshot', index: state.visible });
    const sent = isSnapshot ? [snapshot, ...entries.slice(state.visible)] : entries.slice(after);
    const { value, effects } = this.#act({ ...part, catchingUp }, leader, (rules) =>
      rules.onCaughtUp(link, NOW),
    );
    return { value, effects: [...sent, ...effects] };
  }

  startRead(part: RaftPart, leader: LeaderNumber): Result {
    const read: LeaderRead = { leader, isConfirmed: false, floor: part.visible, visibleFrom: null };
    return done(increment({ ...part, reads: [...part.reads, read] }, 'leaderReads'));
  }

  /** The next step of a read: a majority confirms its round, the leader learns of it, the leader answers. */
  advanceRead(part: RaftPart, index: number): Result {
    const read = part.reads[index];
    if (read === undefined) return done(part);
    const { state } = slotOf(part, read.leader);
    if (read.visibleFrom !== null) {
      const reads = part.reads.filter((_, at) => at !== index);
      const what = `a read is answered as of entry ${state.visible}, although entry ${read.floor} was visible before`;
      const isWrong = state.visible < read.floor;
      return { value: { ...part, reads }, effects: isWrong ? [{ do: 'wrong', what }] : [] };
    }
    const next: LeaderRead = read.isConfirmed
      ? { ...read, visibleFrom: state.committed }
      : { ...read, isConfirmed: true };
    return done({ ...part, reads: part.reads.map((one, at) => (at === index ? next : one)) });
  }

  tick(part: RaftPart): RaftPart {
    const [first, second] = part.leaders;
    return { ...part, leaders: [first && tickLeader(first), second && tickLeader(second)] };
  }

  /** Renumbers the requests of a catalog for authority. */
  rename(part: RaftPart, catalog: number, rename: Rename): RaftPart {
    const renamed = (slot: LeaderPart | null): LeaderPart | null => {
      if (slot === null) return null;
      const state = copyLeader(slot.state);
      for (const record of state.catalogs.values()) {
        if (record.link === null || processOf(record.link) !== catalog) continue;
        if (record.request !== null) record.request = { ...record.request, id: rename(record.request.id) };
        if (record.round !== null) record.round = rename(record.round);
      }
      return { ...slot, state };
    };
    const rounds = part.rounds.map((round) =>
      processOf(round.link) === catalog ? { ...round, id: rename(round.id) } : round,
    );
    return { ...part, leaders: [renamed(part.leaders[0]), renamed(part.leaders[1])], rounds };
  }

  /** The same leaders with the two catalogs swapped. */
  swap(part: RaftPart): RaftPart {
    const { catalogs } = this.#scenario;
    const swapped = (slot: LeaderPart | null): LeaderPart | null => {
      if (slot === null) return null;
      const records = new Map<string, CatalogProgress>();
      for (const [id, record] of slot.state.catalogs) {
        const grants = record.grants.map((grant) => ({ ...grant, process: swapProcessId(grant.process) }));
        records.set(catalogs[1 - catalogs.indexOf(id)] ?? '', {
          ...record,
          link: record.link === null ? null : swapProcess(record.link),
          process: swapProcessId(record.process),
          grants,
        });
      }
      return { ...slot, state: { ...slot.state, catalogs: records } };
    };
    return {
      ...part,
      leaders: [swapped(part.leaders[0]), swapped(part.leaders[1])],
      rounds: sorted(part.rounds.map((round) => ({ ...round, link: swapProcess(round.link) }))),
      catchingUp: sorted(part.catchingUp.map((one) => ({ ...one, link: swapProcess(one.link) }))),
    };
  }

  /** Whether the leader's timer has an effect now. */
  isTimerDue({ state }: LeaderPart): boolean {
    const copy = copyLeader(state);
    return this.#rules(copy).advance(NOW).length > 0 || copy.visible > state.visible;
  }

  mayRemove({ state }: LeaderPart, id: string): boolean {
    return this.#rules(copyLeader(state)).mayRemove(id, NOW);
  }

  #rules(state: AuthorityState): AuthorityManager {
    return new AuthorityManager(state, this.#scenario.authorityTicks);
  }

  #act(part: RaftPart, leader: LeaderNumber, act: Act): Result {
    const { state, log } = slotOf(part, leader);
    const changed = copyLeader(state);
    let value = withLeader(part, leader, { state: changed, log });
    const effects: RaftEffect[] = [];
    for (const effect of act(this.#rules(changed))) {
      const { link } = effect;
      switch (effect.do) {
        case 'send':
          effects.push({ do: 'toCatalog', leader, link, message: effect.message });
          break;
        case 'catchUp':
          value = {
            ...value,
            catchingUp: sorted([...value.catchingUp, { leader, link, after: effect.after }]),
          };
          break;
        case 'confirm': {
          const round: Round = { leader, link, id: effect.id, isConfirmed: false };
          value = { ...value, rounds: sorted([...value.rounds, round]) };
          break;
        }
        case 'close': {
          const { link: now } = changed.catalogs.get(this.#scenario.catalogs[processOf(link)] ?? '') ?? {
            link,
          };
          value = withoutLink(value, leader, link);
          effects.push({
            do: 'close',
            leader,
            link,
            isReplaced: now !== null && processOf(now) !== processOf(link),
          });
        }
      }
    }
    return { value: { ...value, visible: Math.max(value.visible, changed.visible) }, effects };
  }
}

/** A short canonical text of a part. Entries are written by name, and the text of a leader's state is cached. */
export function canonicalRaftText(part: RaftPart): string {
  const { leaders, isElected, committedPrefix, history, visible, rounds, catchingUp, reads, used } = part;
  const slots = leaders.map((slot) => slot && `${cachedCanonicalText(slot.state)}${namesOf(slot.log)}`);
  const lists = canonicalText([rounds, catchingUp, reads]);
  return `${slots.join(';')};${isElected},${committedPrefix},${visible};${namesOf(history)};${lists}${Object.values(used).join()}`;
}

function namesOf(log: readonly PlannedEntry[]): string {
  return log.map(({ name }) => name).join();
}

/** Every possible outcome of an election. */
export function electionOutcomes(
  { leaders: [first], rounds }: RaftPart,
  { rivalLog }: ExplorerScenario,
): ElectionOutcome[] {
  if (first === null) return [];
  const { log, state } = first;
  let choices: boolean[][] = [[]];
  for (let at = 0; at < rounds.length; at += 1) {
    choices = choices.flatMap((one) => [
      [...one, true],
      [...one, false],
    ]);
  }
  const all: ElectionOutcome[] = [];
  const isReady = state.committed >= state.firstIndexOfTerm;
  for (let inherited = state.committed; inherited <= log.length; inherited += 1) {
    for (let held = state.committed; held <= inherited; held += 1) {
      // Entries before the first one of the leader's own term are committed only together with that one (Raft
      // 5.4.2).
      if (held > state.committed && held < state.firstIndexOfTerm) continue;
      for (const one of choices) all.push({ log: log.slice(0, inherited), held, rounds: one });
    }
  }
  if (rivalLog !== null && !isReady) {
    for (const one of choices) all.push({ log: rivalLog, held: state.committed, rounds: one });
  }
  return all;
}

/** Every index up to which a leader may learn that its log is committed. */
export function committableIndexes(part: RaftPart, leader: LeaderNumber): LogIndex[] {
  const { state, log } = slotOf(part, leader);
  const last = leader === 0 && part.isElected ? part.committedPrefix : log.length;
  const indexes: LogIndex[] = [];
  for (let at = Math.max(state.committed + 1, state.firstIndexOfTerm); at <= last; at += 1) indexes.push(at);
  return indexes;
}

/** Increments a counter. */
export function increment(part: RaftPart, what: keyof Counters): RaftPart {
  return { ...part, used: { ...part.used, [what]: part.used[what] + 1 } };
}

/** The catalog set at the end of a log. */
export function catalogSet(initialSet: readonly string[], log: readonly PlannedEntry[]): readonly string[] {
  return log.findLast((entry) => entry.catalogs !== undefined)?.catalogs ?? initialSet;
}

/** The value of a stock after entries up to `index`: the index of the last entry that names it. */
export function valueAt({ history }: RaftPart, index: LogIndex, stock: string): LogIndex {
  for (let at = index; at > 0; at -= 1) if (history[at - 1]?.stocks.includes(stock) === true) return at;
  return 0;
}

export function slotOf(part: RaftPart, leader: LeaderNumber): LeaderPart {
  const slot = part.leaders[leader];
  if (slot === null) throw new Error(`leader ${leader + 1} is down`);
  return slot;
}

/** Links that a leader considers open. */
export function openLinks(part: RaftPart, leader: LeaderNumber): readonly LinkId[] {
  const records = part.leaders[leader]?.state.catalogs.values() ?? [];
  return [...records].flatMap(({ link }) => (link === null ? [] : [link]));
}

/** Ids of a catalog's requests for authority that the leaders know. */
export function requestIds(part: RaftPart, catalog: number): number[] {
  const ids: number[] = [];
  for (const slot of part.leaders) {
    for (const { link, request, round } of slot?.state.catalogs.values() ?? []) {
      if (link === null || processOf(link) !== catalog) continue;
      if (request !== null) ids.push(request.id);
      if (round !== null) ids.push(round);
    }
  }
  for (const { link, id } of part.rounds) if (processOf(link) === catalog) ids.push(id);
  return ids;
}

function done(value: RaftPart): Result {
  return { value, effects: [] };
}

/** Sorts, so that parts that differ only by order are one. */
function sorted<T extends { readonly leader: number; readonly link: LinkId }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => a.leader - b.leader || a.link - b.link);
}

function swapProcessId(process: string | null): string | null {
  if (process === null) return null;
  return `${1 - Number(process[0])}${process.slice(1)}`;
}

function withLeader(part: RaftPart, leader: LeaderNumber, slot: LeaderPart): RaftPart {
  const [first, second] = part.leaders;
  return { ...part, leaders: leader === 0 ? [slot, second] : [first, slot] };
}

function withoutLink(part: RaftPart, leader: LeaderNumber, link: LinkId): RaftPart {
  return {
    ...part,
    rounds: part.rounds.filter((round) => round.link !== link || round.leader !== leader),
    catchingUp: part.catchingUp.filter((one) => one.link !== link || one.leader !== leader),
  };
}

function tickLeader({ state, log }: LeaderPart): LeaderPart {
  const changed = copyLeader(state);
  for (const record of changed.catalogs.values()) {
    const grants = record.grants.map((grant) => ({ ...grant, until: moveBack(grant.until, NOW) }));
    record.grants = grants.filter(({ until }) => until > NOW);
  }
  return { state: changed, log };
}

function copyLeader(state: AuthorityState): AuthorityState {
  const catalogs = new Map<string, CatalogProgress>();
  for (const [id, record] of state.catalogs) catalogs.set(id, { ...record, grants: [...record.grants] });
  return { ...state, catalogs };
}

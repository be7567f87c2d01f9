/**
 * Two leaders in succession with the real rules of authority and visibility, over an abstract Raft log that says which
 * entries a majority holds and which rounds a majority confirms.
 */
import { CatalogAuthorities, electedState } from '../index.js';
import type { CatalogRecord, LeaderEffect, LeaderState, LogIndex, ToCatalog, ToLeader } from '../index.js';
import { earlier, NOW } from './clock.js';
import type { Bounds, PlannedEntry, Scenario } from './scenario.js';

export type LeaderNumber = 0 | 1;

export interface LeaderSlot {
  readonly state: LeaderState;
  readonly log: readonly PlannedEntry[];
}

/** A round in which a leader asks a majority whether it still leads, for a catalog or for a read. */
export interface Round {
  readonly leader: LeaderNumber;
  readonly catalog: number;
  readonly id: number;
  readonly isAcknowledged: boolean;
}

export interface CatchUp {
  readonly leader: LeaderNumber;
  readonly catalog: number;
  readonly after: LogIndex;
}

/** A linearizable read that a leader answers from its visible state. */
export interface LeaderRead {
  readonly leader: LeaderNumber;
  readonly isAcknowledged: boolean;
  /** What was visible when it was asked. */
  readonly floor: LogIndex;
  /** Answered once this is visible at the leader; null until the leader knows that its round is confirmed. */
  readonly visibleFrom: LogIndex | null;
}

/** What is counted for the whole world. */
export type Used = Omit<Bounds, 'authorityRequests' | 'leaseRequests' | 'lookUps'>;

export interface RaftPart {
  /** The second one is null before its election; each is null after it crashed. */
  readonly leaders: readonly [LeaderSlot | null, LeaderSlot | null];
  /** Entries of the first leader that a majority acknowledged to it. */
  readonly acknowledged: LogIndex;
  readonly isElected: boolean;
  /** The second leader has committed an entry of its own term. */
  readonly isReady: boolean;
  /** The entries that a majority holds, which are never lost: every stock's true value comes from them. */
  readonly history: readonly PlannedEntry[];
  /** Outcomes up to here were told to clients. */
  readonly visible: LogIndex;
  readonly rounds: readonly Round[];
  /** Catalogs that attached and have yet to be sent what the log holds. */
  readonly catchingUp: readonly CatchUp[];
  readonly reads: readonly LeaderRead[];
  readonly used: Used;
}

/** What a step of the leaders means for the catalogs. */
export type RaftEffect =
  | { readonly do: 'toCatalog'; readonly catalog: number; readonly message: ToCatalog }
  | { readonly do: 'close'; readonly catalog: number }
  | { readonly do: 'wrong'; readonly what: string };

export interface RaftResult {
  value: RaftPart;
  effects: readonly RaftEffect[];
}

/** A link's id at a leader is the number of its catalog. */
type Act = (rules: CatalogAuthorities) => LeaderEffect[];

export class RaftSteps {
  readonly #scenario: Scenario;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  first(): RaftPart {
    const { initialSet, authorityTicks } = this.#scenario;
    return {
      leaders: [{ state: electedState(0, 0, initialSet, authorityTicks, NOW), log: [] }, null],
      acknowledged: 0,
      isElected: false,
      isReady: false,
      history: [],
      visible: 0,
      rounds: [],
      catchingUp: [],
      reads: [],
      used: {
        elections: 0,
        leaderCrashes: 0,
        catalogBreaks: 0,
        frontendBreaks: 0,
        catalogRestarts: 0,
        leaderReads: 0,
        ticks: 0,
      },
    };
  }

  log(part: RaftPart, leader: LeaderNumber, entry: PlannedEntry): RaftResult {
    const log = [...slotOf(part, leader).log, entry];
    const logged = withLeader(part, leader, { ...slotOf(part, leader), log });
    const result = this.#act(logged, leader, (rules) => {
      if (entry.catalogs !== undefined) rules.setLogged(log.length, entry.catalogs);
      return rules.logged(log.length, entry.stocks);
    });
    if (leader === 1 && part.isReady) result.value = { ...result.value, history: log };
    return result;
  }

  acknowledgeEntry(part: RaftPart): RaftResult {
    const acknowledged = part.acknowledged + 1;
    return done({ ...part, acknowledged, history: slotOf(part, 0).log.slice(0, acknowledged) });
  }

  learnCommitted(part: RaftPart, leader: LeaderNumber): RaftResult {
    const committed = committedAt(part, leader);
    return this.#act(part, leader, (rules) => {
      rules.committed(committed);
      return rules.advance(NOW);
    });
  }

  elect(part: RaftPart, inherited: LogIndex): RaftResult {
    const log = slotOf(part, 0).log.slice(0, inherited);
    const set = catalogSet(this.#scenario, log);
    const state = electedState(log.length, 0, set, this.#scenario.authorityTicks, NOW);
    return done(use({ ...withLeader(part, 1, { state, log }), isElected: true }, 'elections'));
  }

  ready(part: RaftPart): RaftResult {
    return this.learnCommitted({ ...part, isReady: true, history: slotOf(part, 1).log }, 1);
  }

  crash(part: RaftPart): RaftResult {
    const effects: RaftEffect[] = [];
    for (const { link } of slotOf(part, 0).state.catalogs.values()) {
      if (link !== null) effects.push({ do: 'close', catalog: link });
    }
    const value = use(
      {
        ...part,
        leaders: [null, part.leaders[1]],
        rounds: part.rounds.filter(({ leader }) => leader !== 0),
        catchingUp: part.catchingUp.filter(({ leader }) => leader !== 0),
        reads: part.reads.filter(({ leader }) => leader !== 0),
      },
      'leaderCrashes',
    );
    return { value, effects };
  }

  timer(part: RaftPart, leader: LeaderNumber): RaftResult {
    return this.#act(part, leader, (rules) => rules.advance(NOW));
  }

  retire(part: RaftPart, leader: LeaderNumber, id: string): RaftResult {
    return this.#act(part, leader, (rules) => {
      rules.retire(id);
      return [];
    });
  }

  receive(part: RaftPart, leader: LeaderNumber, catalog: number, message: ToLeader): RaftResult {
    return this.#act(part, leader, (rules) => rules.received(catalog, message, NOW));
  }

  closed(part: RaftPart, leader: LeaderNumber, catalog: number): RaftResult {
    const rounds = part.rounds.filter((round) => round.catalog !== catalog);
    const catchingUp = part.catchingUp.filter((one) => one.catalog !== catalog);
    const rest = { ...part, rounds, catchingUp };
    if (part.leaders[leader] === null) return done(rest);
    return this.#act(rest, leader, (rules) => {
      rules.closed(catalog);
      return [];
    });
  }

  acknowledgeRound(part: RaftPart, index: number): RaftResult {
    const rounds = part.rounds.map((round, at) =>
      at === index ? { ...round, isAcknowledged: true } : round,
    );
    return done({ ...part, rounds });
  }

  finishRound(part: RaftPart, index: number): RaftResult {
    const round = part.rounds[index];
    if (round === undefined) return done(part);
    const rounds = part.rounds.filter((_, at) => at !== index);
    return this.#act({ ...part, rounds }, round.leader, (rules) =>
      rules.confirmed(round.catalog, round.id, NOW),
    );
  }

  /** @param isSnapshot whether visible state is sent instead of the entries that it holds */
  catchUp(part: RaftPart, index: number, isSnapshot: boolean): RaftResult {
    const one = part.catchingUp[index];
    if (one === undefined) return done(part);
    const { leader, catalog, after } = one;
    const catchingUp = part.catchingUp.filter((_, at) => at !== index);
    const entries = slotOf(part, leader).log.map(({ stocks: names }, at): RaftEffect => {
      return { do: 'toCatalog', catalog, message: { t: 'entry', index: at + 1, names } };
    });
    const { value, effects } = this.#act({ ...part, catchingUp }, leader, (rules) => rules.caughtUp(catalog));
    const { visible } = slotOf(part, leader).state;
    const snapshot: RaftEffect = { do: 'toCatalog', catalog, message: { t: 'snapshot', index: visible } };
    const sent = isSnapshot ? [snapshot, ...entries.slice(visible)] : entries.slice(after);
    return { value, effects: [...sent, ...effects] };
  }

  ask(part: RaftPart, leader: LeaderNumber): RaftResult {
    const read: LeaderRead = { leader, isAcknowledged: false, floor: part.visible, visibleFrom: null };
    return done(use({ ...part, reads: [...part.reads, read] }, 'leaderReads'));
  }

  /** The next step of a read: a majority confirms its round, the leader learns of it, the leader answers. */
  advanceRead(part: RaftPart, index: number): RaftResult {
    const read = part.reads[index];
    if (read === undefined) return done(part);
    const { state } = slotOf(part, read.leader);
    if (read.visibleFrom !== null) {
      const reads = part.reads.filter((_, at) => at !== index);
      const effects: RaftEffect[] = [];
      if (state.visible < read.floor) {
        const what = `a read is answered as of entry ${state.visible}, and entry ${read.floor} was visible before it`;
        effects.push({ do: 'wrong', what });
      }
      return { value: { ...part, reads }, effects };
    }
    const next: LeaderRead = read.isAcknowledged
      ? { ...read, visibleFrom: state.committed }
      : { ...read, isAcknowledged: true };
    return done({ ...part, reads: part.reads.map((one, at) => (at === index ? next : one)) });
  }

  tick(part: RaftPart): RaftPart {
    const [first, second] = part.leaders;
    return { ...part, leaders: [first && tickLeader(first), second && tickLeader(second)] };
  }

  canAdvance({ state }: LeaderSlot): boolean {
    const copy = copyLeader(state);
    this.#rules(copy).advance(NOW);
    return copy.visible > state.visible;
  }

  mayRemove({ state }: LeaderSlot, id: string): boolean {
    return this.#rules(copyLeader(state)).mayRemove(id, NOW);
  }

  #rules(state: LeaderState): CatalogAuthorities {
    return new CatalogAuthorities(state, this.#scenario.authorityTicks);
  }

  #act(part: RaftPart, leader: LeaderNumber, act: Act): RaftResult {
    const { state, log } = slotOf(part, leader);
    const changed = copyLeader(state);
    let value = withLeader(part, leader, { state: changed, log });
    const effects: RaftEffect[] = [];
    for (const effect of act(this.#rules(changed))) {
      switch (effect.do) {
        case 'send':
          effects.push({ do: 'toCatalog', catalog: effect.link, message: effect.message });
          break;
        case 'catchUp': {
          const one: CatchUp = { leader, catalog: effect.link, after: effect.after };
          value = { ...value, catchingUp: [...value.catchingUp, one] };
          break;
        }
        case 'confirm': {
          const round: Round = { leader, catalog: effect.link, id: effect.id, isAcknowledged: false };
          value = { ...value, rounds: [...value.rounds, round] };
          break;
        }
        case 'close':
          effects.push({ do: 'close', catalog: effect.link });
      }
    }
    return { value: { ...value, visible: Math.max(value.visible, changed.visible) }, effects };
  }
}

/** Counts what is bounded. */
export function use(part: RaftPart, what: keyof Used): RaftPart {
  return { ...part, used: { ...part.used, [what]: part.used[what] + 1 } };
}

/** The entries that a leader can know to be committed. */
export function committedAt(part: RaftPart, leader: LeaderNumber): LogIndex {
  if (leader === 0) return part.acknowledged;
  return part.isReady ? part.history.length : 0;
}

/** The set of catalogs as of the end of a log. */
export function catalogSet(scenario: Scenario, log: readonly PlannedEntry[]): readonly string[] {
  return log.findLast((entry) => entry.catalogs !== undefined)?.catalogs ?? scenario.initialSet;
}

/** The value of a stock once entries up to `index` are applied: the index of the last one that names it. */
export function valueAt(part: RaftPart, index: LogIndex, stock: string): LogIndex {
  for (let at = index; at > 0; at -= 1) if (part.history[at - 1]?.stocks.includes(stock) === true) return at;
  return 0;
}

export function slotOf(part: RaftPart, leader: LeaderNumber): LeaderSlot {
  const slot = part.leaders[leader];
  if (slot === null) throw new Error('the leader is down');
  return slot;
}

function done(value: RaftPart): RaftResult {
  return { value, effects: [] };
}

function withLeader(part: RaftPart, leader: LeaderNumber, slot: LeaderSlot): RaftPart {
  const [first, second] = part.leaders;
  return { ...part, leaders: leader === 0 ? [slot, second] : [first, slot] };
}

function tickLeader({ state, log }: LeaderSlot): LeaderSlot {
  const changed = copyLeader(state);
  for (const record of changed.catalogs.values()) {
    const grants = record.grants.map((grant) => ({ ...grant, until: earlier(grant.until, NOW) }));
    record.grants = grants.filter(({ until }) => until > NOW);
  }
  return { state: changed, log };
}

function copyLeader(state: LeaderState): LeaderState {
  const catalogs = new Map<string, CatalogRecord>();
  for (const [id, record] of state.catalogs) catalogs.set(id, { ...record, grants: [...record.grants] });
  return { ...state, catalogs };
}

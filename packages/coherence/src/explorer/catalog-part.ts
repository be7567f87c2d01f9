/** A catalog process with its real rules, and the messages between it and the leader to which it is attached. */
import { CatalogRules, initialCatalogState } from '../index.js';
import type {
  CatalogEffect,
  CatalogState,
  CatalogToFrontend,
  FrontendToCatalog,
  LinkId,
  FrontendSession,
  LeaderToCatalog,
  CatalogToLeader,
} from '../index.js';
import { copyLease, moveBack, sortedUnique, NOW, renameLease, tickLease, type Rename } from './clock.js';
import { swapProcess } from './links.js';
import type { PartResult } from './parts.js';
import type { LeaderNumber } from './raft-part.js';
import type { ExplorerScenario } from './scenario.js';

export interface CatalogPart {
  readonly state: CatalogState;
  /** The leader to which the catalog is attached, and the id of the link. */
  readonly leader: LeaderNumber | null;
  readonly link: LinkId;
  readonly toCatalog: readonly LeaderToCatalog[];
  /** A message that the catalog was reading when its link closed. */
  readonly late: { readonly link: LinkId; readonly message: LeaderToCatalog } | null;
  /** Number of processes of this catalog that were killed before this one. */
  readonly restarts: number;
  /**
   * The leader closed the link because another process of the catalog attached. This process stops when it
   * notices.
   */
  readonly isReplaced: boolean;
  readonly isStopped: boolean;
  /** Number of requests for authority so far. */
  readonly requests: number;
}

/** Effect of a catalog's step on its leader and its front-ends. */
export type CatalogPartEffect =
  | {
      readonly do: 'toLeader';
      readonly leader: LeaderNumber;
      readonly link: LinkId;
      readonly message: CatalogToLeader;
    }
  | { readonly do: 'toFrontend'; readonly link: LinkId; readonly message: CatalogToFrontend }
  | { readonly do: 'closeFrontend'; readonly link: LinkId };

type Result = PartResult<CatalogPart, CatalogPartEffect>;
type Act = (rules: CatalogRules) => CatalogEffect[];

const DETACHED = { leader: null, link: -1, toCatalog: [] } as const;

export class CatalogSteps {
  readonly #scenario: ExplorerScenario;

  constructor(scenario: ExplorerScenario) {
    this.#scenario = scenario;
  }

  /** @param index index of the catalog in the scenario */
  start(index: number, restarts: number): CatalogPart {
    const state = initialCatalogState(this.#scenario.catalogs[index] ?? '', `${index}.${restarts}`);
    const flags = { isReplaced: false, isStopped: false };
    return { state, ...DETACHED, late: null, restarts, ...flags, requests: 0 };
  }

  attach(part: CatalogPart, leader: LeaderNumber, link: LinkId): Result {
    return this.#act({ ...this.#keepLate(part), leader, link, toCatalog: [] }, (rules) =>
      rules.onLeaderOpened(link, NOW),
    );
  }

  /** The link closes. Ignored if the catalog has another link by now. */
  detach(part: CatalogPart, leader: LeaderNumber, link: LinkId, isReplaced: boolean): Result {
    if (part.leader !== leader || part.link !== link) return { value: part, effects: [] };
    return this.#act({ ...this.#keepLate(part), ...DETACHED, isReplaced }, (rules) => {
      rules.onLeaderClosed(link);
      return [];
    });
  }

  stop(part: CatalogPart): Result {
    const effects = [...part.state.sessions.values()].flatMap(({ open, link }): CatalogPartEffect[] =>
      open ? [{ do: 'closeFrontend', link }] : [],
    );
    return { value: { ...part, isReplaced: false, isStopped: true }, effects };
  }

  /** The process is killed and a new one starts. */
  restart(part: CatalogPart, index: number): Result {
    const { effects } = this.stop(part);
    return { value: this.start(index, part.restarts + 1), effects };
  }

  requestAuthority(part: CatalogPart): Result {
    return this.#act({ ...part, requests: part.requests + 1 }, (rules) => rules.requestAuthority(NOW));
  }

  send(part: CatalogPart, leader: LeaderNumber, link: LinkId, message: LeaderToCatalog): Result {
    const isLost = part.leader !== leader || part.link !== link;
    return { value: isLost ? part : { ...part, toCatalog: [...part.toCatalog, message] }, effects: [] };
  }

  receive(part: CatalogPart): Result {
    const [message, ...toCatalog] = part.toCatalog;
    if (message === undefined) return { value: part, effects: [] };
    return this.#act({ ...part, toCatalog }, (rules) => rules.onLeaderMessage(part.link, message, NOW));
  }

  /** Handles a message of a closed link. */
  receiveLate(part: CatalogPart): Result {
    const { late } = part;
    if (late === null) return { value: part, effects: [] };
    return this.#act({ ...part, late: null }, (rules) => rules.onLeaderMessage(late.link, late.message, NOW));
  }

  timer(part: CatalogPart): Result {
    return this.#act(part, (rules) => rules.tick(NOW));
  }

  connect(part: CatalogPart, link: LinkId): Result {
    return this.#act(part, (rules) => rules.onFrontendOpened(link, NOW));
  }

  disconnect(part: CatalogPart, link: LinkId): Result {
    return this.#act(part, (rules) => {
      rules.onFrontendClosed(link, NOW);
      return [];
    });
  }

  receiveFromFrontend(part: CatalogPart, link: LinkId, message: FrontendToCatalog): Result {
    if (part.isStopped) return { value: part, effects: [] };
    return this.#act(part, (rules) => rules.onFrontendMessage(link, message, NOW));
  }

  tick(part: CatalogPart): CatalogPart {
    const state = copyCatalog(part.state);
    tickLease(state.authority, this.#scenario.authorityTicks);
    for (const [link, session] of state.sessions) {
      session.leaseUntil = moveBack(session.leaseUntil, -Infinity);
      if (!session.open && session.leaseUntil <= NOW) state.sessions.delete(link);
    }
    for (const entry of state.entries) {
      entry.waits = entry.waits.map((wait) => ({
        ...wait,
        leaseUntil: moveBack(wait.leaseUntil, -Infinity),
      }));
    }
    return { ...part, state };
  }

  /** Renumbers the requests for authority. */
  rename(part: CatalogPart, rename: Rename, inUse: number): CatalogPart {
    const authority = renameLease(part.state.authority, rename, inUse);
    const renamed = (message: LeaderToCatalog): LeaderToCatalog =>
      message.t === 'authority' ? { ...message, id: rename(message.id) } : message;
    return {
      ...part,
      state: { ...part.state, authority },
      toCatalog: part.toCatalog.map(renamed),
      late: part.late && { ...part.late, message: renamed(part.late.message) },
    };
  }

  /** The same catalog in the position of the other one, with the other one's front-end. */
  swap(part: CatalogPart): CatalogPart {
    const { catalogs } = this.#scenario;
    const { state, late } = part;
    const index = 1 - catalogs.indexOf(state.id);
    const sessions = new Map<LinkId, FrontendSession>();
    for (const session of state.sessions.values()) {
      sessions.set(swapProcess(session.link), { ...session, link: swapProcess(session.link) });
    }
    const entries = state.entries.map((entry) => ({
      ...entry,
      waits: entry.waits.map((wait) => ({ ...wait, link: swapProcess(wait.link) })),
    }));
    return {
      ...part,
      state: {
        ...state,
        id: catalogs[index] ?? '',
        process: `${index}${state.process.slice(1)}`,
        leader: state.leader === null ? null : swapProcess(state.leader),
        entries,
        sessions,
        waiting: state.waiting.map((lookup) => ({ ...lookup, link: swapProcess(lookup.link) })),
      },
      link: part.leader === null ? part.link : swapProcess(part.link),
      late: late && { ...late, link: swapProcess(late.link) },
    };
  }

  isTimerDue({ state }: CatalogPart): boolean {
    return this.#rules(copyCatalog(state)).tick(NOW).length > 0;
  }

  mayAnswer({ state, isStopped }: CatalogPart): boolean {
    return !isStopped && this.#rules(state).hasAuthority(NOW);
  }

  /** For each stock, whether a look-up would be answered without waiting. */
  answeredAtOnce({ state, isStopped }: CatalogPart): readonly boolean[] {
    return this.#scenario.stocks.map((name) => {
      const rules = this.#rules(copyCatalog(state));
      const link = -1;
      rules.onFrontendOpened(link, NOW);
      const effects = rules.onFrontendMessage(link, { t: 'lookup', id: 0, name }, NOW);
      return !isStopped && effects.some((one) => one.do === 'toFrontend' && one.message.t === 'stock');
    });
  }

  #keepLate(part: CatalogPart): CatalogPart {
    const [message] = part.toCatalog;
    if (!this.#scenario.hasLateMessages || part.late !== null || message === undefined) return part;
    return { ...part, late: { link: part.link, message } };
  }

  #rules(state: CatalogState): CatalogRules {
    const { authorityTicks, leaseTicks } = this.#scenario;
    return new CatalogRules(state, {
      authorityMs: authorityTicks,
      leaseMs: leaseTicks,
      lookupWaitMs: Infinity,
    });
  }

  #act(part: CatalogPart, act: Act): Result {
    const state = copyCatalog(part.state);
    const { leader, link } = part;
    const effects: CatalogPartEffect[] = [];
    for (const effect of act(this.#rules(state))) {
      switch (effect.do) {
        case 'toLeader':
          if (leader !== null) effects.push({ do: 'toLeader', leader, link, message: effect.message });
          break;
        case 'toFrontend':
        case 'closeFrontend':
          effects.push(effect);
          break;
        case 'apply':
        case 'install':
          // The explorer computes values from the catalog's visible index.
          break;
      }
    }
    return { value: { ...part, state }, effects };
  }
}

/** Ids of requests for authority that the catalog knows, or that are in messages to it. */
export function requestIdsOf({ state, toCatalog, late }: CatalogPart): readonly number[] {
  const messages = late === null ? toCatalog : [...toCatalog, late.message];
  const granted = messages.flatMap((message) => (message.t === 'authority' ? [message.id] : []));
  return sortedUnique([...state.authority.requestedAt.keys(), ...granted]);
}

function copyCatalog(state: CatalogState): CatalogState {
  const sessions = new Map<LinkId, FrontendSession>();
  for (const [link, session] of state.sessions) {
    sessions.set(link, { ...session, cachedStocks: new Set(session.cachedStocks) });
  }
  return {
    ...state,
    authority: copyLease(state.authority),
    entries: state.entries.map((entry) => ({ ...entry })),
    sessions,
    waiting: [...state.waiting],
  };
}

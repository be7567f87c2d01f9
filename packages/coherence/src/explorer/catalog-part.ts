/** A catalog with its real rules, and the messages between it and the leader that it is attached to. */
import { CatalogRules, startedState } from '../index.js';
import type {
  CatalogEffect,
  CatalogState,
  CatalogToFrontend,
  FrontendToCatalog,
  LinkId,
  Session,
  ToCatalog,
  ToLeader,
} from '../index.js';
import { copyLease, earlier, NOW, renumbering, renumberLease, tickLease } from './clock.js';
import type { LeaderNumber } from './raft-part.js';
import type { Scenario } from './scenario.js';

export interface CatalogPart {
  readonly state: CatalogState;
  /** The leader that it is attached to. */
  readonly leader: LeaderNumber | null;
  readonly toLeader: readonly ToLeader[];
  readonly toCatalog: readonly ToCatalog[];
  /** Requests for authority so far. */
  readonly requests: number;
}

/** What a step of a catalog means for its front-ends. */
export type CatalogPartEffect =
  | { readonly do: 'toFrontend'; readonly link: LinkId; readonly message: CatalogToFrontend }
  | { readonly do: 'closeFrontend'; readonly link: LinkId };

export interface CatalogResult {
  value: CatalogPart;
  effects: readonly CatalogPartEffect[];
}

type Act = (rules: CatalogRules) => CatalogEffect[];

export class CatalogSteps {
  readonly #scenario: Scenario;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** @param index of the catalog in the scenario */
  started(index: number): CatalogPart {
    const { catalogs, authorityTicks } = this.#scenario;
    const state = startedState(catalogs[index] ?? '', authorityTicks, NOW);
    return { state, leader: null, toLeader: [], toCatalog: [], requests: 0 };
  }

  attach(part: CatalogPart, leader: LeaderNumber): CatalogResult {
    return this.#act({ ...part, leader, toLeader: [], toCatalog: [] }, (rules) =>
      rules.leaderOpened(leader, NOW),
    );
  }

  detach(part: CatalogPart): CatalogResult {
    return this.#act({ ...part, leader: null, toLeader: [], toCatalog: [] }, (rules) => {
      rules.leaderClosed();
      return [];
    });
  }

  /** @param roundIds ids of requests whose rounds are under way */
  requestAuthority(part: CatalogPart, roundIds: readonly number[]): CatalogResult {
    const counted = { ...part, requests: part.requests + 1 };
    return this.#act(renumber(counted, roundIds), (rules) => rules.requestAuthority(NOW));
  }

  send(part: CatalogPart, message: ToCatalog): CatalogResult {
    return { value: { ...part, toCatalog: [...part.toCatalog, message] }, effects: [] };
  }

  receive(part: CatalogPart): CatalogResult {
    const [message, ...toCatalog] = part.toCatalog;
    if (message === undefined) return { value: part, effects: [] };
    return this.#act({ ...part, toCatalog }, (rules) => rules.fromLeader(message, NOW));
  }

  /** The first message to the leader has left. */
  sent(part: CatalogPart): CatalogResult {
    return { value: { ...part, toLeader: part.toLeader.slice(1) }, effects: [] };
  }

  timer(part: CatalogPart): CatalogResult {
    return this.#act(part, (rules) => rules.tick(NOW));
  }

  connected(part: CatalogPart, link: LinkId): CatalogResult {
    return this.#act(part, (rules) => rules.frontendOpened(link, NOW));
  }

  disconnected(part: CatalogPart, link: LinkId): CatalogResult {
    return this.#act(part, (rules) => {
      rules.frontendClosed(link, NOW);
      return [];
    });
  }

  receiveFromFrontend(part: CatalogPart, link: LinkId, message: FrontendToCatalog): CatalogResult {
    return this.#act(part, (rules) => rules.fromFrontend(link, message, NOW));
  }

  tick(part: CatalogPart): CatalogPart {
    const state = copyCatalog(part.state);
    tickLease(state.authority, this.#scenario.authorityTicks);
    for (const [link, session] of state.sessions) {
      session.leaseUntil = earlier(session.leaseUntil, -Infinity);
      if (!session.open && session.leaseUntil <= NOW) state.sessions.delete(link);
    }
    for (const entry of state.entries) {
      entry.waits = entry.waits.map((wait) => ({ ...wait, leaseUntil: earlier(wait.leaseUntil, -Infinity) }));
    }
    return { ...part, state: { ...state, attachFrom: earlier(state.attachFrom, 0) } };
  }

  isTimerDue({ state }: CatalogPart): boolean {
    return this.#rules(copyCatalog(state)).tick(NOW).length > 0;
  }

  mayAnswer({ state }: CatalogPart): boolean {
    return this.#rules(state).mayAnswer(NOW);
  }

  /** The stocks of which a look-up would be answered at once. */
  answeredAtOnce({ state }: CatalogPart): readonly string[] {
    return this.#scenario.stocks.filter((name) => {
      const rules = this.#rules(copyCatalog(state));
      const link = -1;
      rules.frontendOpened(link, NOW);
      const effects = rules.fromFrontend(link, { t: 'lookup', id: 0, name }, NOW);
      return effects.some((effect) => effect.do === 'toFrontend' && effect.message.t === 'stock');
    });
  }

  #rules(state: CatalogState): CatalogRules {
    const { authorityTicks, leaseTicks } = this.#scenario;
    return new CatalogRules(state, { authorityMs: authorityTicks, leaseMs: leaseTicks });
  }

  #act(part: CatalogPart, act: Act): CatalogResult {
    const state = copyCatalog(part.state);
    const toLeader = [...part.toLeader];
    const effects: CatalogPartEffect[] = [];
    for (const effect of act(this.#rules(state))) {
      switch (effect.do) {
        case 'toLeader':
          toLeader.push(effect.message);
          break;
        case 'toFrontend':
        case 'closeFrontend':
          effects.push(effect);
          break;
        case 'apply':
        case 'install':
          // The value of a stock follows from how far the catalog has applied the log.
          break;
      }
    }
    return { value: { ...part, state, toLeader }, effects };
  }
}

function renumber(part: CatalogPart, roundIds: readonly number[]): CatalogPart {
  const ids = new Set([...part.state.authority.requestedAt.keys(), ...roundIds]);
  for (const message of part.toCatalog) if (message.t === 'authority') ids.add(message.id);
  const rename = renumbering(ids);
  const authority = renumberLease(part.state.authority, rename, ids.size);
  return {
    ...part,
    state: { ...part.state, authority },
    toCatalog: part.toCatalog.map((one) => (one.t === 'authority' ? { ...one, id: rename(one.id) } : one)),
  };
}

function copyCatalog(state: CatalogState): CatalogState {
  const sessions = new Map<LinkId, Session>();
  for (const [link, session] of state.sessions)
    sessions.set(link, { ...session, held: new Set(session.held) });
  return {
    ...state,
    authority: copyLease(state.authority),
    entries: state.entries.map((entry) => ({ ...entry })),
    sessions,
    waiting: [...state.waiting],
  };
}

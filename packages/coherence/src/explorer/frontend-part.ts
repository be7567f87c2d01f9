/** A front-end with its real cache and lease, and the messages between it and the catalog that it is connected to. */
import { LeasedCache } from '../index.js';
import type { CatalogToFrontend, FrontendToCatalog, LeaseState, LinkId, LogIndex } from '../index.js';
import { copyLease, NOW, renumbering, renumberLease, tickLease } from './clock.js';
import type { Scenario } from './scenario.js';

/** A message to a front-end. Its adapter adds the value to an answer: the index of the entry that changed the stock last. */
export type ToFrontend = CatalogToFrontend & { readonly value?: LogIndex };

export interface FrontendPart {
  readonly lease: LeaseState;
  readonly cache: ReadonlyMap<string, LogIndex>;
  /** The catalog that it believes to be connected to, and the link's id there. */
  readonly catalog: number | null;
  readonly link: LinkId;
  /** The connection is broken, and the front-end has not noticed. */
  readonly isBroken: boolean;
  readonly toCatalog: readonly FrontendToCatalog[];
  readonly toFrontend: readonly ToFrontend[];
  /** Look-ups under way: the value that was visible when each was asked. */
  readonly asked: ReadonlyMap<string, LogIndex>;
  /** Requests for a lease, and look-ups, so far. */
  readonly requests: number;
  readonly lookUps: number;
}

/** What a step of a front-end shows to its clients. */
export interface FrontendEffect {
  readonly do: 'wrong';
  readonly what: string;
}

export interface FrontendResult {
  value: FrontendPart;
  effects: readonly FrontendEffect[];
}

export class FrontendSteps {
  readonly #scenario: Scenario;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  first(): FrontendPart {
    return {
      lease: { until: -Infinity, lastRequest: 0, requestedAt: new Map() },
      cache: new Map(),
      catalog: null,
      link: 0,
      isBroken: false,
      toCatalog: [],
      toFrontend: [],
      asked: new Map(),
      requests: 0,
      lookUps: 0,
    };
  }

  connect(part: FrontendPart, catalog: number, link: LinkId): FrontendResult {
    return changed({ ...part, catalog, link, isBroken: false });
  }

  /** The connection breaks, and nobody tells the front-end. */
  lose(part: FrontendPart): FrontendResult {
    return changed({ ...part, isBroken: true, toCatalog: [], toFrontend: [] });
  }

  /** The front-end gives up its connection. */
  disconnect(part: FrontendPart): FrontendResult {
    const result = edit(part, (cache) => cache.reset());
    return changed({ ...result, ...EMPTY_LINK, asked: new Map() });
  }

  requestLease(part: FrontendPart): FrontendResult {
    let id = 0;
    const result = edit(renumber(part), (cache) => {
      id = cache.requestLease(NOW);
    });
    const toCatalog: FrontendToCatalog[] = [...part.toCatalog, { t: 'requestLease', id }];
    return changed({ ...result, toCatalog, requests: part.requests + 1 });
  }

  /** @param floor the value that is visible now */
  lookUp(part: FrontendPart, name: string, floor: LogIndex): FrontendResult {
    const id = this.#scenario.stocks.indexOf(name);
    return changed({
      ...part,
      asked: new Map([...part.asked, [name, floor]]),
      toCatalog: [...part.toCatalog, { t: 'lookup', id, name }],
      lookUps: part.lookUps + 1,
    });
  }

  send(part: FrontendPart, message: ToFrontend): FrontendResult {
    return changed({ ...part, toFrontend: [...part.toFrontend, message] });
  }

  /** The last message to the catalog has left: a request, which overtakes nothing as nothing is under way. */
  sent(part: FrontendPart): FrontendResult {
    return changed({ ...part, toCatalog: part.toCatalog.slice(1) });
  }

  receive(part: FrontendPart): FrontendResult {
    const [message, ...toFrontend] = part.toFrontend;
    if (message === undefined) return changed(part);
    const rest = { ...part, toFrontend };
    switch (message.t) {
      case 'lease':
        return changed(renumber(edit(rest, (cache) => cache.granted(message.id, message.ms))));
      case 'revoke': {
        const dropped: FrontendToCatalog = { t: 'dropped', seq: message.seq };
        const result = edit(rest, (cache) => cache.revoke(message.names));
        return changed({ ...result, toCatalog: [...result.toCatalog, dropped] });
      }
      case 'unready':
        return changed({ ...rest, asked: without(part.asked, this.#scenario.stocks[message.id] ?? '') });
      case 'stock': {
        const { name, cacheable, value = 0 } = message;
        const floor = part.asked.get(name) ?? 0;
        const result = edit(rest, (cache) => cache.fill(name, value, cacheable));
        const what = `a look-up of ${name} is answered ${value}, and ${floor} was visible before it was asked`;
        return {
          value: { ...result, asked: without(part.asked, name) },
          effects: value < floor ? [{ do: 'wrong', what }] : [],
        };
      }
    }
  }

  tick(part: FrontendPart): FrontendPart {
    const lease = copyLease(part.lease);
    tickLease(lease, Math.min(this.#scenario.authorityTicks, this.#scenario.leaseTicks));
    return { ...part, lease };
  }

  /** What the front-end would answer from its cache. */
  cached(part: FrontendPart, name: string): LogIndex | undefined {
    return new LeasedCache(new Map(part.cache), copyLease(part.lease)).get(name, NOW);
  }
}

const EMPTY_LINK = { catalog: null, link: 0, isBroken: false, toCatalog: [], toFrontend: [] } as const;

function changed(value: FrontendPart): FrontendResult {
  return { value, effects: [] };
}

/** The part after the real cache and lease were at work. */
function edit(part: FrontendPart, act: (cache: LeasedCache<LogIndex>) => void): FrontendPart {
  const cache = new Map(part.cache);
  const lease = copyLease(part.lease);
  act(new LeasedCache(cache, lease));
  return { ...part, cache, lease };
}

function renumber(part: FrontendPart): FrontendPart {
  const ids = new Set(part.lease.requestedAt.keys());
  for (const message of part.toFrontend) if (message.t === 'lease') ids.add(message.id);
  const rename = renumbering(ids);
  return {
    ...part,
    lease: renumberLease(part.lease, rename, ids.size),
    toFrontend: part.toFrontend.map((one) => (one.t === 'lease' ? { ...one, id: rename(one.id) } : one)),
  };
}

function without(asked: ReadonlyMap<string, LogIndex>, name: string): ReadonlyMap<string, LogIndex> {
  const rest = new Map(asked);
  rest.delete(name);
  return rest;
}

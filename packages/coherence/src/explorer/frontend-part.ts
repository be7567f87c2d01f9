/**
 * A front-end with its real cache and lease, and the messages between it and the catalog to which it is
 * connected.
 */
import { LeasedCache } from '../index.js';
import type { CatalogToFrontend, FrontendToCatalog, LeaseState, LinkId, LogIndex } from '../index.js';
import { copyLease, sortedUnique, NOW, renameLease, renumbering, tickLease } from './clock.js';
import { swapProcess } from './links.js';
import type { PartResult } from './parts.js';
import type { ExplorerScenario } from './scenario.js';

/**
 * A message to a front-end. To answers the adapter of the catalog adds the values of one stock or of all
 * stocks. The value of a stock is the index of the entry that changed it last.
 */
export type ToFrontend = CatalogToFrontend & { readonly values?: readonly LogIndex[] };

/** Request id of a list. The request id of a look-up is the index of its stock. */
const LIST_ID = -1;

interface LateMessage {
  readonly link: LinkId;
  readonly message: ToFrontend;
}

export interface FrontendPart {
  readonly lease: LeaseState;
  readonly cache: ReadonlyMap<string, LogIndex>;
  /** The catalog to which the front-end believes to be connected, and the id of the link. */
  readonly catalog: number | null;
  readonly link: LinkId;
  /** The connection is broken, and the front-end has not noticed. */
  readonly isBroken: boolean;
  readonly toFrontend: readonly ToFrontend[];
  /** A message that the front-end was reading when its link broke. */
  readonly late: LateMessage | null;
  /** Open look-ups, each with the value that was visible when it was sent. */
  readonly asked: ReadonlyMap<string, LogIndex>;
  /** The open list, with the values that were visible when it was sent; null if there is none. */
  readonly listed: readonly LogIndex[] | null;
  /** Number of lease requests, look-ups and lists so far. */
  readonly requests: number;
  readonly lookUps: number;
  readonly lists: number;
}

/** Effect of a front-end's step: a message to its catalog, or a wrong answer to a client. */
export type FrontendEffect =
  | {
      readonly do: 'toCatalog';
      readonly catalog: number;
      readonly link: LinkId;
      readonly message: FrontendToCatalog;
    }
  | { readonly do: 'wrong'; readonly what: string };

type Result = PartResult<FrontendPart, FrontendEffect>;

const NOT_CONNECTED = { catalog: null, link: -1, isBroken: false, toFrontend: [] } as const;

export class FrontendSteps {
  readonly #scenario: ExplorerScenario;

  constructor(scenario: ExplorerScenario) {
    this.#scenario = scenario;
  }

  first(): FrontendPart {
    return {
      lease: { until: -Infinity, lastRequest: 0, requestedAt: new Map() },
      cache: new Map(),
      ...NOT_CONNECTED,
      late: null,
      asked: new Map(),
      listed: null,
      requests: 0,
      lookUps: 0,
      lists: 0,
    };
  }

  connect(part: FrontendPart, catalog: number, link: LinkId): Result {
    const edited = edit(part, (cache) => cache.onConnected(link));
    return changed({ ...edited, catalog, link, isBroken: false });
  }

  /** The connection breaks. The front-end does not notice yet. */
  breakLink(part: FrontendPart, catalog: number, link: LinkId): Result {
    if (part.catalog !== catalog || part.link !== link || part.isBroken) return changed(part);
    const [message] = part.toFrontend;
    const isKept = this.#scenario.hasLateMessages && part.late === null && message !== undefined;
    return changed({ ...part, isBroken: true, toFrontend: [], late: isKept ? { link, message } : part.late });
  }

  /** The front-end notices the broken connection and closes it. */
  disconnect(part: FrontendPart): Result {
    const edited = edit(part, (cache) => cache.onDisconnected(part.link));
    return changed({ ...edited, ...NOT_CONNECTED, asked: new Map(), listed: null });
  }

  requestLease(part: FrontendPart): Result {
    let id = 0;
    const edited = edit(renumber(part), (cache) => {
      id = cache.requestLease(NOW);
    });
    return toCatalog({ ...edited, requests: part.requests + 1 }, { t: 'requestLease', id });
  }

  /** @param floor the currently visible value */
  lookUp(part: FrontendPart, name: string, floor: LogIndex): Result {
    const id = this.#scenario.stocks.indexOf(name);
    const asked = new Map([...part.asked, [name, floor] as const]);
    return toCatalog({ ...part, asked, lookUps: part.lookUps + 1 }, { t: 'lookup', id, name });
  }

  /** @param floors the currently visible values */
  list(part: FrontendPart, floors: readonly LogIndex[]): Result {
    const listed = { ...part, listed: floors, lists: part.lists + 1 };
    return toCatalog(listed, { t: 'list', id: LIST_ID });
  }

  send(part: FrontendPart, catalog: number, link: LinkId, message: ToFrontend): Result {
    if (part.catalog !== catalog || part.link !== link || part.isBroken) return changed(part);
    return changed({ ...part, toFrontend: [...part.toFrontend, message] });
  }

  receive(part: FrontendPart): Result {
    const [message, ...toFrontend] = part.toFrontend;
    if (message === undefined) return changed(part);
    const received = { ...part, toFrontend };
    switch (message.t) {
      case 'lease':
        return changed(renumber(edit(received, (cache) => cache.onLease(part.link, message.id, message.ms))));
      case 'revoke': {
        const edited = edit(received, (cache) => cache.revoke(message.names));
        return toCatalog(edited, { t: 'dropped', seq: message.seq });
      }
      case 'page': {
        const { values = [] } = message;
        const isOld = part.listed?.some((floor, at) => (values[at] ?? 0) < floor) === true;
        const what = `a list shows ${values.join(', ')}, although ${part.listed?.join(', ')} was visible before the request`;
        return { value: { ...received, listed: null }, effects: isOld ? [{ do: 'wrong', what }] : [] };
      }
      case 'unready':
        if (message.id === LIST_ID) return changed({ ...received, listed: null });
        return changed({ ...received, asked: without(part.asked, this.#scenario.stocks[message.id] ?? '') });
      case 'stock': {
        const { name, cacheable, values: [value = 0] = [] } = message;
        const floor = part.asked.get(name) ?? 0;
        const edited = edit(received, (cache) => cache.fill(part.link, name, value, cacheable));
        const what = `a look-up of ${name} is answered ${value}, although ${floor} was visible before the request`;
        return {
          value: { ...edited, asked: without(part.asked, name) },
          effects: value < floor ? [{ do: 'wrong', what }] : [],
        };
      }
    }
  }

  /** Handles a message of a closed link. Answers in it reach no client. */
  receiveLate(part: FrontendPart): Result {
    if (part.late === null) return changed(part);
    const { link, message } = part.late;
    const edited = edit({ ...part, late: null }, (cache) => {
      if (message.t === 'lease') cache.onLease(link, message.id, message.ms);
      if (message.t === 'revoke') cache.revoke(message.names);
      if (message.t === 'stock') cache.fill(link, message.name, message.values?.[0] ?? 0, message.cacheable);
    });
    return changed(renumber(edited));
  }

  tick(part: FrontendPart): FrontendPart {
    const lease = copyLease(part.lease);
    tickLease(lease, Math.min(this.#scenario.authorityTicks, this.#scenario.leaseTicks));
    return { ...part, lease };
  }

  /** The same front-end in the position of the other one, connected to the other catalog. */
  swap(part: FrontendPart): FrontendPart {
    const { catalog, link, late } = part;
    return {
      ...part,
      catalog: catalog === null ? null : 1 - catalog,
      link: catalog === null ? link : swapProcess(link),
      late: late && { ...late, link: swapProcess(late.link) },
    };
  }

  /** For each stock, the value that the front-end would answer from its cache. */
  cached({ cache, lease, link }: FrontendPart): readonly (LogIndex | undefined)[] {
    const leased = new LeasedCache(new Map(cache), copyLease(lease), link);
    return this.#scenario.stocks.map((name) => leased.get(name, NOW));
  }
}

function changed(value: FrontendPart): Result {
  return { value, effects: [] };
}

function toCatalog(value: FrontendPart, message: FrontendToCatalog): Result {
  const { catalog, link, isBroken } = value;
  if (catalog === null || isBroken) return changed(value);
  return { value, effects: [{ do: 'toCatalog', catalog, link, message }] };
}

/** Applies `act` to the real cache and lease of a copy of the part. */
function edit(part: FrontendPart, act: (cache: LeasedCache<LogIndex>) => void): FrontendPart {
  const cache = new Map(part.cache);
  const lease = copyLease(part.lease);
  act(new LeasedCache(cache, lease, part.catalog === null ? null : part.link));
  return { ...part, cache, lease };
}

function renumber(part: FrontendPart): FrontendPart {
  const sent = part.late === null ? part.toFrontend : [...part.toFrontend, part.late.message];
  const waiting = sent.flatMap((message) => (message.t === 'lease' ? [message.id] : []));
  const ids = sortedUnique([...part.lease.requestedAt.keys(), ...waiting]);
  const rename = renumbering(ids);
  const renamed = (message: ToFrontend): ToFrontend =>
    message.t === 'lease' ? { ...message, id: rename(message.id) } : message;
  return {
    ...part,
    lease: renameLease(part.lease, rename, ids.length),
    toFrontend: part.toFrontend.map(renamed),
    late: part.late && { ...part.late, message: renamed(part.late.message) },
  };
}

function without(asked: ReadonlyMap<string, LogIndex>, name: string): ReadonlyMap<string, LogIndex> {
  const remaining = new Map(asked);
  remaining.delete(name);
  return remaining;
}

/** Whether a front-end knows a link by this id. */
export function knowsLink({ link, late }: FrontendPart, id: LinkId): boolean {
  return link === id || late?.link === id;
}

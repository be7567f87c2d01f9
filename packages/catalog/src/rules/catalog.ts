/**
 * The catalog as a whole, without links, disk or clock: frames, finished writes and the time come in; frames to send, links to
 * close, a batch to write and the time to be called again go out.
 *
 * At most one round is under way. While its stocks are revoked, lookups see the old values and requests queue. Only then is
 * the round visible and answered, so that whoever hears of a trade, and whoever asks after that, through any front-end,
 * sees it.
 *
 * No answer waits for this catalog's disk: what is decided follows from the seed and from log entries that a majority holds,
 * and a catalog that starts again serves nothing until a leader has brought it to where any life before it may have
 * been. Its store saves that way for all but the last moments, which are written together.
 */
import {
  assertRule,
  FormatError,
  type CatalogReport,
  type CatalogToFrontend,
  type CatalogToLeader,
  type LookupResult,
  type Stock,
  type StockWire,
} from '@trireme/domain';
import type { CatalogEvent, CatalogStatus, Effects } from './effects.js';
import { parseFrontendFrame, parseLeaderFrame, type FrontendFrame } from './frames.js';
import { honouredMs, LEASE_MS_MAX, Sessions } from './leases.js';
import { Ledger, type LedgerState } from './ledger.js';
import { WorkQueue, type Work } from './queue.js';
import { Readiness } from './readiness.js';
import { RevocationRound } from './revocations.js';
import { Round, type CatalogWrite } from './round.js';
import { StockTable } from './stocks.js';
import { Unsaved } from './unsaved.js';

/** Leader links at most: the leader, and superseded ones that do not know yet. Further links are refused. */
export const LEADER_LINKS_MAX = 64;

/**
 * From a decision to the write that saves it, with all others of that time, in milliseconds: a sync for each round would take
 * disk and processor from the replicas beside it, and only spares the next start the replay of so much.
 */
export const SAVE_AFTER_MS = 50;

/** What a catalog begins with. */
export interface CatalogState extends LedgerState {
  readonly stocks: Iterable<Stock>;
}

export interface CatalogOptions {
  readonly state: CatalogState;
  /** Length of a lease, 1 to `LEASE_MS_MAX` milliseconds. */
  readonly leaseMs: number;
  /** The time by a monotonic clock, in milliseconds, after the store was opened: an earlier life is surely over. */
  readonly now: number;
  /** Bounds other than those that the classes name themselves, for tests. */
  readonly outcomesMax?: number;
  readonly sessionsMax?: number;
  readonly queueRequestsMax?: number;
}

type LookupFrame = Extract<FrontendFrame, { readonly t: 'lookup' }>;

interface Leader {
  /** `attach` is an answer to `standing` and means nothing without. */
  told: boolean;
}

interface RoundUnderWay {
  readonly round: Round;
  readonly revocation: RevocationRound;
}

/** The rules of the catalog. Every method that takes an input is followed by `take`. */
export class Catalog {
  readonly #table: StockTable;
  readonly #ledger: Ledger;
  readonly #sessions: Sessions;
  readonly #queue: WorkQueue;
  readonly #readiness: Readiness;
  readonly #leaders = new Map<number, Leader>();
  readonly #unsaved = new Unsaved();
  #underWay: RoundUnderWay | null = null;
  /** When what is unsaved is due to be written; null while nothing is, or while a write is under way. */
  #saveAt: number | null = null;
  /** The last index in the write under way; null without one. */
  #saving: number | null = null;
  /** The last index that is on disk. */
  #savedIndex: number;
  #lastIndex: number;
  #now: number;
  #sends: [number, CatalogToFrontend | CatalogToLeader][] = [];
  #closes: [number, string][] = [];
  #events: CatalogEvent[] = [];
  #write: CatalogWrite | null = null;

  constructor(options: CatalogOptions) {
    this.#table = new StockTable(options.state.stocks);
    this.#ledger = new Ledger(options.state, options.outcomesMax);
    this.#sessions = new Sessions(options.leaseMs, options.sessionsMax);
    this.#queue = new WorkQueue(options.queueRequestsMax);
    this.#readiness = new Readiness(options.now + honouredMs(LEASE_MS_MAX));
    this.#lastIndex = options.state.lastIndex;
    this.#savedIndex = options.state.lastIndex;
    this.#now = options.now;
  }

  frontendOpened(link: number, peer: string, now: number): void {
    this.#advance(now);
    if (!this.#sessions.open(link, peer, now)) this.#closes.push([link, 'too many front-end sessions']);
  }

  /** @throws FormatError if the frame is not what the protocol says. */
  frontendMessage(link: number, message: unknown, now: number): void {
    this.#advance(now);
    const session = this.#sessions.get(link);
    if (session === undefined) return;
    const frame = parseFrontendFrame(message);
    switch (frame.t) {
      case 'renew':
        this.#sends.push([link, { t: 'lease', id: frame.id, ms: this.#sessions.grant(link, now) }]);
        return;
      case 'lookup':
        this.#sends.push([link, { t: 'stocks', items: this.#lookups(link, frame) }]);
        return;
      case 'list':
        this.#sends.push([link, this.#page(frame.id, frame.after, frame.limit)]);
        return;
      case 'invalidList':
        this.#sends.push([link, { t: 'pageInvalid', id: frame.id, reason: frame.reason }]);
        return;
      case 'report':
        this.#sends.push([link, { t: 'report', report: this.#report(now) }]);
        return;
      case 'dropped':
        if (frame.seq > session.revocationSeq)
          throw new FormatError('dropped names a revocation that was not sent');
        this.#underWay?.revocation.dropped(link, frame.seq);
        this.#advance(now);
    }
  }

  frontendClosed(link: number, now: number): void {
    this.#sessions.close(link, now);
    this.#advance(now);
  }

  leaderOpened(link: number, now: number): void {
    this.#advance(now);
    if (this.#leaders.size >= LEADER_LINKS_MAX) this.#closes.push([link, 'too many leader links']);
    else this.#leaders.set(link, { told: false });
  }

  /** @throws FormatError if the frame is not what the protocol says. */
  leaderMessage(link: number, message: unknown, now: number): void {
    this.#advance(now);
    const leader = this.#leaders.get(link);
    if (leader === undefined) return;
    const request = parseLeaderFrame(message);
    if (request.kind === 'attach') {
      if (!leader.told) throw new FormatError('attach came before standing');
      this.#readiness.attach(request.upTo);
      this.#events.push({ kind: 'attached', link, upTo: request.upTo, lastIndex: this.#lastIndex });
    } else {
      this.#enqueue(link, request);
    }
    this.#advance(now);
  }

  leaderClosed(link: number, now: number): void {
    this.#leaders.delete(link);
    this.#queue.dropLink(link);
    this.#advance(now);
  }

  /** The write that was handed out is durable. */
  written(now: number): void {
    assertRule(this.#saving !== null, 'a write ends once');
    this.#savedIndex = this.#saving;
    this.#saving = null;
    this.#advance(now);
  }

  /** What was not handed out to be written yet, for a catalog that stops: after the write under way. Null for nothing. */
  rest(): CatalogWrite | null {
    return this.#unsaved.take();
  }

  /** Lets time pass. */
  tick(now: number): void {
    this.#advance(now);
  }

  /** Hands out what has to be done, once. */
  take(): Effects {
    const effects: Effects = {
      sends: this.#sends,
      closes: this.#closes,
      write: this.#write,
      events: this.#events,
      wakeAt: this.#wakeAt,
    };
    this.#sends = [];
    this.#closes = [];
    this.#events = [];
    this.#write = null;
    return effects;
  }

  get #wakeAt(): number | null {
    const round = this.#underWay?.revocation.nextLeaseEnd ?? this.#readiness.nextTime(this.#now);
    return round === null || this.#saveAt === null ? (round ?? this.#saveAt) : Math.min(round, this.#saveAt);
  }

  /** Why lookups are not served, null if they are. */
  unready(): string | null {
    return this.#readiness.reason(this.#lastIndex);
  }

  status(): CatalogStatus {
    return {
      lastIndex: this.#lastIndex,
      savedIndex: this.#savedIndex,
      settled: this.#ledger.settled,
      stocks: this.#table.size,
      outcomes: this.#ledger.count,
      sessions: this.#sessions.size,
      leaders: this.#leaders.size,
      queued: this.#queue.size,
      ready: this.#readiness.ready,
    };
  }

  #report(now: number): CatalogReport {
    return {
      lastIndex: this.#lastIndex,
      settled: this.#ledger.settled,
      stocks: this.#table.size,
      ready: this.#readiness.ready,
      sessions: this.#sessions.report(now),
    };
  }

  #lookups(link: number, { items, invalid }: LookupFrame): readonly LookupResult[] {
    const results = items.map(([id, name]) => this.#lookup(link, id, name));
    for (const { id, reason } of invalid) results.push([id, 'invalid', reason]);
    return results;
  }

  #lookup(link: number, id: number, name: string): LookupResult {
    if (!this.#readiness.ready) return [id, 'unready'];
    const stock = this.#table.get(name);
    if (stock === undefined) return [id, 'missing'];
    const cacheable = this.#underWay?.round.changed.has(name) !== true;
    if (cacheable) this.#sessions.promise(link, name);
    return [id, 'stock', toWire(stock), cacheable];
  }

  #page(id: number, after: string, limit: number): CatalogToFrontend {
    if (!this.#readiness.ready) return { t: 'pageUnready', id };
    const { stocks, next } = this.#table.page(after, limit);
    return { t: 'page', id, stocks: stocks.map(toWire), next };
  }

  #enqueue(link: number, work: Work): void {
    // Nothing under way and nothing asked before on this link: no need to wait for the leases of an earlier life.
    if (work.kind === 'begin' && this.#underWay === null && !this.#queue.has(link)) {
      this.#answer(link, { t: 'standing', lastIndex: this.#lastIndex });
      return;
    }
    if (!this.#queue.push(link, work)) {
      this.#leaders.delete(link);
      this.#queue.dropLink(link);
      this.#closes.push([link, 'too many requests wait']);
    }
  }

  /** Does whatever has become possible: ends the round under way, begins the next. */
  #advance(now: number): void {
    assertRule(now >= this.#now, 'a monotonic clock does not go back');
    this.#now = now;
    for (;;) {
      if (this.#underWay !== null && !this.#finish(this.#underWay, now)) break;
      if (this.#readiness.update(this.#lastIndex, now))
        this.#events.push({ kind: 'ready', lastIndex: this.#lastIndex });
      // What an earlier life decided may not be revoked yet, and is not answered again before it is.
      if (this.#queue.size === 0 || !this.#readiness.mayPublish(now)) break;
      this.#begin(now);
    }
    this.#save(now);
  }

  /** Hands out a write where one is due; the disk takes one at a time, and what is decided meanwhile goes with the next. */
  #save(now: number): void {
    if (this.#saving !== null || this.#unsaved.isEmpty) return;
    this.#saveAt ??= now + SAVE_AFTER_MS;
    if (now < this.#saveAt) return;
    this.#saveAt = null;
    this.#write = this.#unsaved.take();
    this.#saving = this.#lastIndex;
  }

  #begin(now: number): void {
    const round = new Round(this.#table, this.#ledger, this.#queue.takeAll());
    const revocation = new RevocationRound(this.#sessions, round.changed, now);
    this.#underWay = { round, revocation };
    for (const send of revocation.frames) this.#sends.push([...send]);
    for (const { kind, ...refusal } of round.refusals) {
      this.#events.push({ ...refusal, kind: 'refused', request: kind, lastIndex: this.#ledger.lastIndex });
    }
    for (const replay of round.replays) this.#events.push({ kind: 'replayed', ...replay });
    for (const decision of round.traced) this.#events.push({ kind: 'traced', ...decision });
  }

  #finish({ round, revocation }: RoundUnderWay, now: number): boolean {
    for (const peer of revocation.expire(now)) this.#events.push({ kind: 'leaseExpired', peer });
    if (!revocation.done) return false;
    this.#table.publish(round.changed.values());
    const { write } = round;
    if (write !== null) this.#unsaved.add(write);
    this.#lastIndex = this.#ledger.lastIndex;
    for (const [link, frame] of round.answers) this.#answer(link, frame);
    this.#underWay = null;
    return true;
  }

  #answer(link: number, frame: CatalogToLeader): void {
    const leader = this.#leaders.get(link);
    if (leader === undefined) return;
    if (frame.t === 'standing') leader.told = true;
    this.#sends.push([link, frame]);
  }
}

function toWire(stock: Stock): StockWire {
  return [stock.name, stock.price, stock.quantity, stock.version];
}

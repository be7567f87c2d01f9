/**
 * The catalog as a whole, without links or clock: frames and the time come in; frames to send, links to close and the time to be
 * called again go out.
 *
 * At most one round is under way. While its stocks are revoked, lookups see the old values and requests queue. Only then is
 * the round visible and answered, so that whoever hears of a trade, and whoever asks after that, through any front-end,
 * sees it.
 *
 * It keeps nothing on disk: what it knows follows from the log, and a catalog that starts again takes the stock table of a leader.
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
import { EMPTY_HASH, StockTable } from '@trireme/state-machine';
import type { CatalogEvent, CatalogStatus, Effects } from './effects.js';
import { parseFrontendFrame, parseLeaderFrame, type FrontendFrame } from './frames.js';
import { honouredMs, LEASE_MS_MAX, Sessions } from './leases.js';
import { WorkQueue, type Work } from './queue.js';
import { Readiness } from './readiness.js';
import { RevocationRound } from './revocations.js';
import { Round, standingOf, type LogPosition } from './round.js';
import { SnapshotParts } from './snapshot.js';

/** Leader links at most: the leader, and superseded ones that do not know yet. Further links are refused. */
export const LEADER_LINKS_MAX = 64;

/** Bytes that a stock of a snapshot counts for in the queue. */
const STOCK_BYTES = 128;

export interface CatalogOptions {
  /** Length of a lease, 1 to `LEASE_MS_MAX` milliseconds. */
  readonly leaseMs: number;
  /** The time by a monotonic clock, in milliseconds: an earlier process is surely over. */
  readonly now: number;
  /** Bounds other than those that the classes name themselves, for tests. */
  readonly sessionsMax?: number;
  readonly queueRequestsMax?: number;
}

type LookupFrame = Extract<FrontendFrame, { readonly t: 'lookup' }>;

interface Leader {
  /** `attach` answers `standing`. What was told before the catalog went back is outdated. */
  standing: 'untold' | 'told' | 'outdated';
  readonly snapshotParts: SnapshotParts;
}

interface RoundUnderWay {
  readonly round: Round;
  readonly revocation: RevocationRound;
}

/** The rules of the catalog. Every method that takes an input is followed by `take`. */
export class Catalog {
  readonly #sessions: Sessions;
  readonly #queue: WorkQueue;
  readonly #readiness: Readiness;
  readonly #leaders = new Map<number, Leader>();
  #underWay: RoundUnderWay | null = null;
  #table = new StockTable();
  /** What is applied and revoked. */
  #position: LogPosition = { life: null, lastIndex: 0, hash: EMPTY_HASH };
  #now: number;
  #sends: [number, CatalogToFrontend | CatalogToLeader][] = [];
  #closes: [number, string][] = [];
  #events: CatalogEvent[] = [];

  constructor(options: CatalogOptions) {
    this.#sessions = new Sessions(options.leaseMs, options.sessionsMax);
    this.#queue = new WorkQueue(options.queueRequestsMax);
    this.#readiness = new Readiness(options.now + honouredMs(LEASE_MS_MAX));
    this.#now = options.now;
  }

  frontendOpened(link: number, peer: string, now: number): void {
    this.#advance(now);
    const { life } = this.#position;
    if (!this.#sessions.open(link, peer, now)) this.#closes.push([link, 'too many front-end sessions']);
    else if (life !== null) this.#sends.push([link, { t: 'life', life }]);
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
    else this.#leaders.set(link, { standing: 'untold', snapshotParts: new SnapshotParts() });
  }

  /** @throws FormatError if the frame is not what the protocol says. */
  leaderMessage(link: number, message: unknown, now: number): void {
    this.#advance(now);
    const leader = this.#leaders.get(link);
    if (leader === undefined) return;
    const request = parseLeaderFrame(message);
    if (request.kind !== 'snapshot' && leader.snapshotParts.isIncomplete) {
      throw new FormatError('another frame came between the parts of a snapshot');
    }
    switch (request.kind) {
      case 'snapshot': {
        const snapshot = leader.snapshotParts.add(request);
        if (snapshot !== null)
          this.#enqueue(link, { kind: 'install', snapshot, bytes: snapshot.stocks.length * STOCK_BYTES });
        break;
      }
      case 'attach':
        this.#attach(link, leader, request.upTo);
        break;
      case 'begin':
      case 'entry':
        this.#enqueue(link, request);
    }
    this.#advance(now);
  }

  leaderClosed(link: number, now: number): void {
    this.#leaders.delete(link);
    this.#queue.dropLink(link);
    this.#advance(now);
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
      events: this.#events,
      wakeAt: this.#underWay?.revocation.nextLeaseEnd ?? this.#readiness.nextTime(this.#now),
    };
    this.#sends = [];
    this.#closes = [];
    this.#events = [];
    return effects;
  }

  /** Why lookups are not served, null if they are. */
  unready(): string | null {
    return this.#readiness.reason(this.#appliedIndex);
  }

  status(): CatalogStatus {
    return {
      ...this.#position,
      stocks: this.#table.size,
      sessions: this.#sessions.size,
      leaders: this.#leaders.size,
      queued: this.#queue.size,
      ready: this.#readiness.ready,
    };
  }

  /** Null without a stock table. */
  get #appliedIndex(): number | null {
    return this.#position.life === null ? null : this.#position.lastIndex;
  }

  #report(now: number): CatalogReport {
    return {
      lastIndex: this.#position.lastIndex,
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
    const cacheable = this.#underWay?.round.mayChange(name) !== true;
    if (cacheable) this.#sessions.promise(link, name);
    return [id, 'stock', toWire(stock), cacheable];
  }

  #page(id: number, after: string, limit: number): CatalogToFrontend {
    if (!this.#readiness.ready) return { t: 'pageUnready', id };
    const { stocks, next } = this.#table.page(after, limit);
    return { t: 'page', id, stocks: stocks.map(toWire), next };
  }

  #attach(link: number, leader: Leader, upTo: number): void {
    const { lastIndex } = this.#position;
    switch (leader.standing) {
      case 'untold':
        throw new FormatError('attach came before standing');
      case 'outdated':
        // It may have followed the leader that took the catalog back, and does not know how far that is.
        this.#answer(link, { t: 'refused', lastIndex });
        return;
      case 'told':
        this.#readiness.attach(upTo);
        this.#events.push({ kind: 'attached', link, upTo, lastIndex });
    }
  }

  #enqueue(link: number, work: Work): void {
    // Nothing under way and nothing asked before on this link: no need to wait for the leases of an earlier process.
    if (work.kind === 'begin' && this.#underWay === null && !this.#queue.has(link)) {
      this.#answer(link, standingOf(this.#position));
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
      if (this.#readiness.update(this.#appliedIndex, now))
        this.#events.push({ kind: 'ready', lastIndex: this.#position.lastIndex });
      // What an earlier process applied may not be revoked yet, and is not answered again before it is.
      if (this.#queue.size === 0 || !this.#readiness.mayPublish(now)) break;
      this.#begin(now);
    }
  }

  #begin(now: number): void {
    const round = new Round(this.#table, this.#position, this.#queue.takeAll());
    const revocation = new RevocationRound(this.#sessions, round.replacesTable ? null : round.changed, now);
    this.#underWay = { round, revocation };
    for (const send of revocation.frames) this.#sends.push([...send]);
    for (const refusal of round.refusals) this.#events.push({ kind: 'refused', ...refusal });
    for (const installation of round.installations) this.#events.push({ kind: 'installed', ...installation });
    for (const decision of round.traced) this.#events.push({ kind: 'traced', ...decision });
  }

  #finish({ round, revocation }: RoundUnderWay, now: number): boolean {
    for (const peer of revocation.expire(now)) this.#events.push({ kind: 'leaseExpired', peer });
    if (!revocation.done) return false;
    round.table.publish(round.changed.values());
    this.#table = round.table;
    const lifeBefore = this.#position.life;
    this.#position = round.position;
    this.#tellLife(lifeBefore, now);
    if (round.goesBack) this.#readiness.reset();
    for (const { link, frame } of round.answers) this.#answer(link, frame);
    this.#underWay = null;
    return true;
  }

  /** A link has one life: front-ends that know another one have to begin again. */
  #tellLife(before: string | null, now: number): void {
    const { life } = this.#position;
    if (life === null || life === before) return;
    for (const link of this.#sessions.openLinks()) {
      if (before === null) {
        this.#sends.push([link, { t: 'life', life }]);
      } else {
        this.#sessions.close(link, now);
        this.#closes.push([link, 'the catalog follows another log']);
      }
    }
  }

  /** @param to null for every leader that was told how far the catalog is, as that has changed */
  #answer(to: number | null, frame: CatalogToLeader): void {
    if (to !== null) {
      const leader = this.#leaders.get(to);
      if (leader === undefined) return;
      if (frame.t === 'standing') leader.standing = 'told';
      this.#sends.push([to, frame]);
      return;
    }
    for (const [link, leader] of this.#leaders) {
      if (leader.standing !== 'told') continue;
      leader.standing = 'outdated';
      this.#sends.push([link, frame]);
    }
  }
}

function toWire(stock: Stock): StockWire {
  return [stock.name, stock.price, stock.quantity, stock.version];
}

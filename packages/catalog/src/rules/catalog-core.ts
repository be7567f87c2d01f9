/**
 * The catalog without links and clock. Inputs are frames and the time; outputs are frames to send, links to close and
 * the time of the next call. `CatalogRules` decides when to apply, answer, revoke and report. This class translates
 * frames for it and executes its effects on the stock table.
 */
import { CATALOG_TIMING, CatalogRules, RENEWAL_MS, initialCatalogState } from '@trireme/coherence';
import type { CatalogEffect, CatalogTiming } from '@trireme/coherence';
import {
  assertInvariant,
  FormatError,
  FRONTEND_TO_CATALOG,
  parseFrame,
  type CatalogReport,
  type MembershipFrame,
} from '@trireme/domain';
import type { CatalogEvent, CatalogStatus, CatalogEffects, Close } from './effects.js';
import { FollowedLog, type ReceivedEntry } from './followed-log.js';
import { FrontendQueries } from './frontends.js';
import { SendQueue } from './send-queue.js';
import { parseReplicaFrame, type ReplicaFrame } from './replica-frames.js';
import { SnapshotAssembler, type StockSnapshotPart } from './snapshot.js';

/** Maximum number of front-ends. */
export const FRONTENDS_MAX = 1024;

export interface CatalogCoreOptions {
  /** Id of the catalog, which is also the name of its process. */
  readonly id: string;
  /** Generates a random instance id: 16 hex digits. */
  readonly newInstanceId: () => string;
  /** Current time in milliseconds, from a monotonic clock that also advances while the machine is suspended. */
  readonly now: number;
  /** For tests; the cluster's timing unless given. */
  readonly timing?: CatalogTiming | undefined;
  readonly frontendsMax?: number;
  readonly entriesMax?: number;
  readonly entryBytesMax?: number;
}

/** The leader that the catalog is attached to. */
interface Leader {
  /** The open link to its replica. */
  readonly link: number;
  readonly replica: string;
  readonly term: number;
  /** The link number for the rules, which count one link for each `attach`. */
  readonly attachment: number;
  readonly snapshotParts: SnapshotAssembler;
}

type LeaderFrame = Exclude<ReplicaFrame, { readonly t: 'members' | 'lead' }>;
type LogFrame = Extract<ReplicaFrame, { readonly t: 'entry' | 'visible' | 'authority' }>;

/** Applies changes to the stock table up to a log index. */
type ApplyChange = (index: number) => void;

/** The rules of the catalog. Call `take` after every method that takes an input. */
export class CatalogCore {
  readonly #options: CatalogCoreOptions;
  readonly #outbox = new SendQueue();
  readonly #frontends = new FrontendQueries(this.#outbox);
  /** Names of the replicas with an open link. */
  readonly #replicas = new Map<number, string>();
  #rules: CatalogRules;
  #log: FollowedLog;
  #leader: Leader | null = null;
  #attachments = 0;
  /** Why the last leader refused this catalog; null if it did not. */
  #refusal: string | null = null;
  /** When to request authority again. */
  #nextRequestAt = Infinity;
  /** Whether the catalog held authority at the last input. */
  #hasAuthority = false;
  #now: number;
  #wakeAt = Infinity;
  #closes: Close[] = [];
  #members: MembershipFrame[] = [];
  #events: CatalogEvent[] = [];

  constructor(options: CatalogCoreOptions) {
    this.#options = options;
    this.#now = options.now;
    this.#log = this.#newLog();
    this.#rules = this.#newRules();
  }

  /** @param url URL at which other processes reach the internal port of this catalog */
  onReplicaOpened(link: number, replica: string, url: string, now: number): void {
    this.#advance(now);
    this.#replicas.set(link, replica);
    this.#outbox.send(link, { t: 'hello', url });
  }

  /** @throws FormatError if the frame violates the protocol; the caller then closes the link. */
  onReplicaMessage(link: number, message: unknown, now: number): void {
    this.#advance(now);
    const replica = this.#replicas.get(link);
    if (replica === undefined) return;
    const frame = parseReplicaFrame(message);
    switch (frame.t) {
      case 'members':
        this.#members.push(frame);
        return;
      case 'lead':
        if (this.#leader === null || frame.term >= this.#leader.term) this.#attach(link, replica, frame.term);
        return;
      default:
        if (this.#leader?.link === link) this.#onLeaderFrame(this.#leader, frame);
    }
  }

  onReplicaClosed(link: number, now: number): void {
    this.#advance(now);
    this.#replicas.delete(link);
    if (this.#leader?.link === link) this.#detach(this.#leader);
  }

  onFrontendOpened(link: number, peer: string, now: number): void {
    this.#advance(now);
    this.#frontends.open(link, peer);
    this.#execute(this.#rules.onFrontendOpened(link, now));
    const { life } = this.#log.position;
    if (life !== null && this.#frontends.has(link)) this.#outbox.send(link, { t: 'life', life });
  }

  /** @throws FormatError if the frame violates the protocol; the caller then closes the link. */
  onFrontendMessage(link: number, message: unknown, now: number): void {
    this.#advance(now);
    if (!this.#frontends.has(link)) return;
    const frame = parseFrame(FRONTEND_TO_CATALOG, message);
    switch (frame.t) {
      case 'renew':
        this.#execute(this.#rules.onFrontendMessage(link, { t: 'requestLease', id: frame.id }, now));
        return;
      case 'lookup':
        for (const [wireId, name] of frame.items) {
          const id = this.#frontends.addQuery(link, { kind: 'lookup', id: wireId });
          this.#execute(this.#rules.onFrontendMessage(link, { t: 'lookup', id, name }, now));
        }
        for (const { id, reason } of frame.invalid) this.#outbox.sendResult(link, [id, 'invalid', reason]);
        return;
      case 'list': {
        const { id: wireId, after, limit } = frame;
        const id = this.#frontends.addQuery(link, { kind: 'list', id: wireId, after, limit });
        this.#execute(this.#rules.onFrontendMessage(link, { t: 'list', id }, now));
        return;
      }
      case 'invalidList':
        this.#outbox.send(link, { t: 'pageInvalid', id: frame.id, reason: frame.reason });
        return;
      case 'dropped':
        this.#execute(this.#rules.onFrontendMessage(link, frame, now));
        return;
      case 'report':
        this.#outbox.send(link, { t: 'report', report: this.#report() });
    }
  }

  onFrontendClosed(link: number, now: number): void {
    this.#advance(now);
    this.#frontends.close(link);
    this.#rules.onFrontendClosed(link, now);
  }

  /** The clock advanced by `ms` milliseconds that may not have passed. Call it before the next input. */
  onClockSkipped(ms: number): void {
    this.#rules.onClockSkipped(ms);
  }

  /** Advances the time without another input. */
  tick(now: number): void {
    this.#advance(now);
  }

  /** Returns the effects since the last call. */
  takeEffects(): CatalogEffects {
    const authorityUntil = this.#hasAuthority ? this.#rules.state.authority.until : Infinity;
    this.#wakeAt = Math.min(this.#rules.wakeAt ?? Infinity, this.#nextRequestAt, authorityUntil);
    const effects: CatalogEffects = {
      sends: this.#outbox.takeFrames(),
      closes: this.#closes,
      members: this.#members,
      events: this.#events,
      wakeAt: this.#wakeAt === Infinity ? null : this.#wakeAt,
    };
    this.#closes = [];
    this.#members = [];
    this.#events = [];
    return effects;
  }

  status(now: number): CatalogStatus {
    const { process, visibleIndex, receivedIndex, sessions, waiting } = this.#rules.state;
    const leader = this.#leader;
    return {
      process,
      ...this.#log.position,
      visible: visibleIndex,
      received: receivedIndex,
      stocks: this.#log.table.size,
      sessions: sessions.size,
      leader: leader === null ? null : { replica: leader.replica, term: leader.term },
      authorityMs: this.#authorityMs(now),
      waiting: waiting.length,
      unready: this.unreadyReason(now),
    };
  }

  /** Why the catalog cannot answer look-ups; null if it can. */
  unreadyReason(now: number): string | null {
    if (this.#rules.hasAuthority(now)) return null;
    if (this.#refusal !== null) return `the leader refused this catalog: ${this.#refusal}`;
    if (this.#leader === null && this.#attachments > 0) return 'the link to the leader is closed';
    if (this.#leader === null) return 'no leader is known yet';
    if (this.#log.position.life === null) return 'waiting for the stock table';
    return 'waiting for authority';
  }

  /** Executes what is due at `now`. */
  #advance(now: number): void {
    assertInvariant(now >= this.#now, 'the monotonic clock went back');
    this.#now = now;
    if (now < this.#wakeAt) return;
    this.#wakeAt = Infinity;
    this.#recordExpiredLeases();
    this.#execute(this.#rules.tick(now));
    if (this.#hasAuthority && !this.#rules.hasAuthority(now)) {
      this.#hasAuthority = false;
      this.#events.push({ kind: 'authorityLost' });
    }
    if (now >= this.#nextRequestAt) this.#requestAuthority();
  }

  #recordExpiredLeases(): void {
    const { entries, sessions } = this.#rules.state;
    const peers = new Set<string>();
    for (const { waits } of entries) {
      for (const { link, seq, leaseUntil } of waits) {
        const peer = this.#frontends.peer(link);
        if (peer === undefined || leaseUntil > this.#now) continue;
        if ((sessions.get(link)?.droppedSeq ?? seq) < seq) peers.add(peer);
      }
    }
    for (const peer of peers) this.#events.push({ kind: 'leaseExpired', peer });
  }

  #attach(link: number, replica: string, term: number): void {
    this.#attachments += 1;
    const attachment = this.#attachments;
    this.#leader = { link, replica, term, attachment, snapshotParts: new SnapshotAssembler() };
    this.#refusal = null;
    this.#hasAuthority = false;
    this.#log.discardReceived();
    this.#execute(this.#rules.onLeaderOpened(attachment, this.#now));
    this.#requestAuthority();
  }

  /** Keeps the authority, but discards the received entries: they cannot become visible any more. */
  #detach({ attachment }: Leader): void {
    this.#rules.onLeaderClosed(attachment);
    this.#leader = null;
    this.#nextRequestAt = Infinity;
    this.#log.discardReceived();
  }

  #requestAuthority(): void {
    this.#execute(this.#rules.requestAuthority(this.#now));
    this.#nextRequestAt = this.#now + RENEWAL_MS;
  }

  #onLeaderFrame(leader: Leader, frame: LeaderFrame): void {
    const { replica, term } = leader;
    switch (frame.t) {
      case 'refused':
        this.#detach(leader);
        this.#refusal = frame.reason;
        this.#events.push({ kind: 'refused', replica, term, reason: frame.reason });
        return;
      case 'reset':
        this.#reset(leader, frame.reason);
        return;
      case 'snapshot':
        this.#onSnapshotPart(leader, frame);
        return;
      case 'entry':
      case 'visible':
      case 'authority':
        this.#onLogFrame(leader, frame);
    }
  }

  #onLogFrame(leader: Leader, frame: LogFrame): void {
    const { link, attachment, snapshotParts } = leader;
    if (snapshotParts.isIncomplete)
      throw new FormatError(`received frame ${frame.t} between the parts of a snapshot`);
    const { receivedIndex, visibleIndex } = this.#rules.state;
    switch (frame.t) {
      case 'entry': {
        if (frame.index <= receivedIndex) return;
        if (this.#log.position.life === null && frame.batch !== null)
          throw new FormatError('received a batch before the first snapshot');
        if (!this.#log.receive(frame)) {
          this.#closes.push({ link, reason: 'too many entries wait to become visible' });
          this.#detach(leader);
          return;
        }
        const { index } = frame;
        this.#onLeaderMessage(attachment, { t: 'entry', index, names: namesOf(frame) });
        return;
      }
      case 'visible': {
        if (frame.index === visibleIndex && visibleIndex > 0) this.#log.checkHash(frame.hash);
        if (Math.min(frame.index, receivedIndex) <= visibleIndex) return;
        this.#log.checkSkips(frame.skips);
        this.#onLeaderMessage(attachment, { t: 'visible', index: frame.index }, (index) => {
          for (const decision of this.#log.apply(index, frame.skips, frame.hash))
            this.#events.push({ kind: 'traced', ...decision });
        });
        return;
      }
      case 'authority': {
        const { id, logged } = frame;
        if (this.#log.position.life === null)
          throw new FormatError('received authority before the first snapshot');
        if (logged > receivedIndex) throw new FormatError(`received authority before entry ${logged}`);
        this.#onLeaderMessage(attachment, { t: 'authority', id, logged });
        if (this.#hasAuthority || !this.#rules.hasAuthority(this.#now)) return;
        this.#hasAuthority = true;
        this.#events.push({ kind: 'authorized', visible: visibleIndex });
      }
    }
  }

  #onSnapshotPart({ attachment, snapshotParts }: Leader, part: StockSnapshotPart): void {
    const snapshot = snapshotParts.add(part);
    if (snapshot === null) return;
    const { index, life, stocks } = snapshot;
    const { visibleIndex, receivedIndex } = this.#rules.state;
    const before = this.#log.position.life;
    if (before !== null && before !== life)
      throw new FormatError('received a snapshot of another log without a reset before it');
    if (index > visibleIndex && index < receivedIndex)
      throw new FormatError(`received a snapshot at index ${index} after entry ${receivedIndex}`);
    this.#onLeaderMessage(attachment, { t: 'snapshot', index }, () => {
      this.#log.install(snapshot);
      this.#events.push({ kind: 'installed', index, life, stocks: stocks.length });
      if (before !== null) return;
      for (const link of this.#frontends.links) this.#outbox.send(link, { t: 'life', life });
    });
  }

  /** Discards everything and attaches as a new instance: the data of this catalog belongs to another log. */
  #reset({ link, replica, term }: Leader, reason: string): void {
    if (this.#log.position.life === null) throw new FormatError('received a reset before the first snapshot');
    for (const frontend of this.#frontends.links)
      this.#closes.push({ link: frontend, reason: 'the catalog was reset to another log' });
    this.#frontends.closeAll();
    this.#log = this.#newLog();
    this.#rules = this.#newRules();
    this.#events.push({ kind: 'reset', replica, term, reason });
    this.#attach(link, replica, term);
  }

  #onLeaderMessage(
    attachment: number,
    message: Parameters<CatalogRules['onLeaderMessage']>[1],
    applyChange?: ApplyChange,
  ): void {
    this.#execute(this.#rules.onLeaderMessage(attachment, message, this.#now), applyChange);
  }

  /** Executes the effects of the rules in order. */
  #execute(effects: readonly CatalogEffect[], applyChange?: ApplyChange): void {
    for (const effect of effects) {
      switch (effect.do) {
        case 'toLeader':
          this.#sendToLeader(effect.message);
          break;
        case 'toFrontend':
          this.#frontends.send(effect.link, effect.message, this.#log.table);
          break;
        case 'apply':
        case 'install':
          assertInvariant(applyChange !== undefined, 'stocks change only by a frame of the leader');
          applyChange(effect.index);
          break;
        case 'closeFrontend':
          this.#frontends.close(effect.link);
          this.#closes.push({ link: effect.link, reason: effect.reason });
      }
    }
  }

  #sendToLeader(message: Extract<CatalogEffect, { do: 'toLeader' }>['message']): void {
    const leader = this.#leader;
    if (leader === null) return;
    if (message.t !== 'attach') {
      this.#outbox.send(leader.link, message);
      return;
    }
    const { process, visible, hadAuthority } = message;
    const { replica, term } = leader;
    this.#outbox.send(leader.link, {
      t: 'attach',
      term,
      process,
      visible,
      hadAuthority,
      ...this.#log.position,
    });
    this.#events.push({ kind: 'attached', replica, term, visible, hadAuthority });
  }

  #report(): CatalogReport {
    const { position, table } = this.#log;
    return {
      lastIndex: position.lastIndex,
      stocks: table.size,
      ready: this.#rules.hasAuthority(this.#now),
      sessions: this.#frontends.report(this.#rules.state.sessions.values(), this.#now),
    };
  }

  #authorityMs(now: number): number {
    return Math.max(0, Math.round(this.#rules.state.authority.until - now));
  }

  #newLog(): FollowedLog {
    return new FollowedLog(this.#options.entriesMax, this.#options.entryBytesMax);
  }

  #newRules(): CatalogRules {
    const { id, newInstanceId, timing = CATALOG_TIMING, frontendsMax = FRONTENDS_MAX } = this.#options;
    return new CatalogRules(initialCatalogState(id, newInstanceId()), timing, {
      sessionsMax: frontendsMax,
      isListed: (name) => this.#log.table.get(name) !== undefined,
    });
  }
}

/** The stocks that an entry may change. */
function namesOf({ batch }: ReceivedEntry): readonly string[] {
  return batch === null ? [] : [...new Set(batch.commands.map(({ name }) => name))];
}

/**
 * The catalog as a whole, without links or clock: frames and the time come in; frames to send, links to close and the time to be
 * called again go out. `CatalogRules` decides when to apply, to answer, to revoke and to report; this class gives it what
 * the frames say, and does to the stocks what it asks.
 */
import { CATALOG_TIMING, CatalogRules, RENEWAL_MS, startedState } from '@trireme/coherence';
import type { CatalogEffect, CatalogTiming } from '@trireme/coherence';
import { assertRule, FormatError, type CatalogReport, type MembersFrame } from '@trireme/domain';
import type { CatalogEvent, CatalogStatus, Effects } from './effects.js';
import { FollowedLog, type ReceivedEntry } from './followed-log.js';
import { parseFrontendFrame } from './frontend-frames.js';
import { Frontends } from './frontends.js';
import { Outbox } from './outbox.js';
import { parseReplicaFrame, type ReplicaFrame } from './replica-frames.js';
import { SnapshotParts, type SnapshotPart } from './snapshot.js';

/** Front-ends at most. */
export const FRONTENDS_MAX = 1024;

export interface CatalogOptions {
  /** Id of the catalog, which is the name of its process. */
  readonly id: string;
  /** Makes the random id of a process: 16 hex digits. */
  readonly newProcess: () => string;
  /** The time by a clock that never goes back and goes on through a pause, in milliseconds. */
  readonly now: number;
  /** Other than those of the cluster, for tests. */
  readonly timing?: CatalogTiming;
  readonly frontendsMax?: number;
  readonly entriesMax?: number;
  readonly entryBytesMax?: number;
}

/** The leader that the catalog is attached to. */
interface Leader {
  /** The link to its replica, which is open. */
  readonly link: number;
  readonly replica: string;
  readonly term: number;
  /** The link as the rules count them: one for each `attach`. */
  readonly attachment: number;
  readonly snapshotParts: SnapshotParts;
}

type FollowedFrame = Exclude<ReplicaFrame, { readonly t: 'members' | 'lead' }>;
type LogFrame = Extract<ReplicaFrame, { readonly t: 'entry' | 'visible' | 'authority' }>;

/** Changes the stocks as the rules ask for, up to a log index. */
type Change = (index: number) => void;

/** The rules of the catalog. Every method that takes an input is followed by `take`. */
export class Catalog {
  readonly #options: CatalogOptions;
  readonly #outbox = new Outbox();
  readonly #frontends = new Frontends(this.#outbox);
  /** Names of the replicas with an open link. */
  readonly #replicas = new Map<number, string>();
  #rules: CatalogRules;
  #log: FollowedLog;
  #leader: Leader | null = null;
  #attachments = 0;
  /** Why the last leader does not lead this catalog; null if it did not say so. */
  #refusal: string | null = null;
  /** When to ask for authority again. */
  #asksAt = Infinity;
  /** Whether look-ups were answered at the last input. */
  #hasAuthority = false;
  #now: number;
  #wakeAt = Infinity;
  #closes: [number, string][] = [];
  #members: MembersFrame[] = [];
  #events: CatalogEvent[] = [];

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.#now = options.now;
    this.#log = this.#emptyLog();
    this.#rules = this.#startedRules();
  }

  /** @param url how others reach the internal port of this catalog */
  replicaOpened(link: number, replica: string, url: string, now: number): void {
    this.#advance(now);
    this.#replicas.set(link, replica);
    this.#outbox.send(link, { t: 'hello', url });
  }

  /** @throws FormatError if the frame is not what the protocol says: the link is to be closed. */
  replicaMessage(link: number, message: unknown, now: number): void {
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
        if (this.#leader?.link === link) this.#follow(this.#leader, frame);
    }
  }

  replicaClosed(link: number, now: number): void {
    this.#advance(now);
    this.#replicas.delete(link);
    if (this.#leader?.link === link) this.#detach(this.#leader);
  }

  frontendOpened(link: number, peer: string, now: number): void {
    this.#advance(now);
    this.#frontends.open(link, peer);
    this.#carryOut(this.#rules.onFrontendOpened(link, now));
    const { life } = this.#log.position;
    if (life !== null && this.#frontends.has(link)) this.#outbox.send(link, { t: 'life', life });
  }

  /** @throws FormatError if the frame is not what the protocol says: the link is to be closed. */
  frontendMessage(link: number, message: unknown, now: number): void {
    this.#advance(now);
    if (!this.#frontends.has(link)) return;
    const frame = parseFrontendFrame(message);
    switch (frame.t) {
      case 'renew':
        this.#carryOut(this.#rules.onFrontendMessage(link, { t: 'requestLease', id: frame.id }, now));
        return;
      case 'lookup':
        for (const [wireId, name] of frame.items) {
          const id = this.#frontends.ask(link, { kind: 'lookup', id: wireId });
          this.#carryOut(this.#rules.onFrontendMessage(link, { t: 'lookup', id, name }, now));
        }
        for (const { id, reason } of frame.invalid) this.#outbox.answer(link, [id, 'invalid', reason]);
        return;
      case 'list': {
        const { id: wireId, after, limit } = frame;
        const id = this.#frontends.ask(link, { kind: 'list', id: wireId, after, limit });
        this.#carryOut(this.#rules.onFrontendMessage(link, { t: 'list', id }, now));
        return;
      }
      case 'invalidList':
        this.#outbox.send(link, { t: 'pageInvalid', id: frame.id, reason: frame.reason });
        return;
      case 'dropped':
        this.#carryOut(this.#rules.onFrontendMessage(link, frame, now));
        return;
      case 'report':
        this.#outbox.send(link, { t: 'report', report: this.#report() });
    }
  }

  frontendClosed(link: number, now: number): void {
    this.#advance(now);
    this.#frontends.close(link);
    this.#rules.onFrontendClosed(link, now);
  }

  /** The clock went on by `ms` milliseconds that may not have passed. To be called before the next input. */
  clockSkipped(ms: number): void {
    this.#rules.onClockSkipped(ms);
  }

  /** Lets time pass. */
  tick(now: number): void {
    this.#advance(now);
  }

  /** Hands out what has to be done, once. */
  take(): Effects {
    const authorityUntil = this.#hasAuthority ? this.#rules.state.authority.until : Infinity;
    this.#wakeAt = Math.min(this.#rules.wakeAt ?? Infinity, this.#asksAt, authorityUntil);
    const effects: Effects = {
      sends: this.#outbox.take(),
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
    const { process, visible, received, sessions, waiting } = this.#rules.state;
    const leader = this.#leader;
    return {
      process,
      ...this.#log.position,
      visible,
      received,
      stocks: this.#log.table.size,
      sessions: sessions.size,
      leader: leader === null ? null : { replica: leader.replica, term: leader.term },
      authorityMs: this.#authorityMs(now),
      waiting: waiting.length,
      unready: this.unready(now),
    };
  }

  /** Why look-ups are not answered, null if they are. */
  unready(now: number): string | null {
    if (this.#rules.mayAnswer(now)) return null;
    if (this.#refusal !== null) return `the leader refused this catalog: ${this.#refusal}`;
    if (this.#leader === null && this.#attachments > 0) return 'the link to the leader is closed';
    if (this.#leader === null) return 'no leader has been heard of yet';
    if (this.#log.position.life === null) return 'waiting for the stock table';
    return 'waiting for authority';
  }

  /** Does what time alone brings. */
  #advance(now: number): void {
    assertRule(now >= this.#now, 'a monotonic clock does not go back');
    this.#now = now;
    if (now < this.#wakeAt) return;
    this.#wakeAt = Infinity;
    this.#noteExpiredLeases();
    this.#carryOut(this.#rules.tick(now));
    if (this.#hasAuthority && !this.#rules.mayAnswer(now)) {
      this.#hasAuthority = false;
      this.#events.push({ kind: 'authorityLost' });
    }
    if (now >= this.#asksAt) this.#requestAuthority();
  }

  #noteExpiredLeases(): void {
    const { entries, sessions } = this.#rules.state;
    const peers = new Set<string>();
    for (const { waits } of entries) {
      for (const { link, seq, leaseUntil } of waits) {
        const peer = this.#frontends.peer(link);
        if (peer === undefined || leaseUntil > this.#now) continue;
        if ((sessions.get(link)?.dropped ?? seq) < seq) peers.add(peer);
      }
    }
    for (const peer of peers) this.#events.push({ kind: 'leaseExpired', peer });
  }

  #attach(link: number, replica: string, term: number): void {
    this.#attachments += 1;
    const attachment = this.#attachments;
    this.#leader = { link, replica, term, attachment, snapshotParts: new SnapshotParts() };
    this.#refusal = null;
    this.#hasAuthority = false;
    this.#log.forgetReceived();
    this.#carryOut(this.#rules.onLeaderOpened(attachment, this.#now));
    this.#requestAuthority();
  }

  /** Authority lasts on; what was received cannot become visible any more. */
  #detach({ attachment }: Leader): void {
    this.#rules.onLeaderClosed(attachment);
    this.#leader = null;
    this.#asksAt = Infinity;
    this.#log.forgetReceived();
  }

  #requestAuthority(): void {
    this.#carryOut(this.#rules.requestAuthority(this.#now));
    this.#asksAt = this.#now + RENEWAL_MS;
  }

  #follow(leader: Leader, frame: FollowedFrame): void {
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
        this.#snapshot(leader, frame);
        return;
      case 'entry':
      case 'visible':
      case 'authority':
        this.#followLog(leader, frame);
    }
  }

  #followLog(leader: Leader, frame: LogFrame): void {
    const { link, attachment, snapshotParts } = leader;
    if (snapshotParts.isIncomplete)
      throw new FormatError('another frame came between the parts of a snapshot');
    const { received, visible } = this.#rules.state;
    switch (frame.t) {
      case 'entry': {
        if (frame.index <= received) return;
        if (this.#log.position.life === null && frame.batch !== null)
          throw new FormatError('a batch came before the first snapshot');
        if (!this.#log.receive(frame)) {
          this.#closes.push([link, 'too many entries are not visible yet']);
          this.#detach(leader);
          return;
        }
        const { index } = frame;
        this.#fromLeader(attachment, { t: 'entry', index, names: namesOf(frame) });
        return;
      }
      case 'visible': {
        if (frame.index === visible && visible > 0) this.#log.checkHash(frame.hash);
        if (Math.min(frame.index, received) <= visible) return;
        this.#log.checkSkips(frame.skips);
        this.#fromLeader(attachment, { t: 'visible', index: frame.index }, (index) => {
          for (const decision of this.#log.apply(index, frame.skips, frame.hash))
            this.#events.push({ kind: 'traced', ...decision });
        });
        return;
      }
      case 'authority': {
        const { id, logged } = frame;
        if (this.#log.position.life === null)
          throw new FormatError('authority came before the first snapshot');
        if (logged > received) throw new FormatError(`authority came before entry ${logged}`);
        this.#fromLeader(attachment, { t: 'authority', id, logged });
        if (this.#hasAuthority || !this.#rules.mayAnswer(this.#now)) return;
        this.#hasAuthority = true;
        this.#events.push({ kind: 'authorized', visible });
      }
    }
  }

  #snapshot({ attachment, snapshotParts }: Leader, part: SnapshotPart): void {
    const snapshot = snapshotParts.add(part);
    if (snapshot === null) return;
    const { index, life, stocks } = snapshot;
    const { visible, received } = this.#rules.state;
    const before = this.#log.position.life;
    if (before !== null && before !== life)
      throw new FormatError('a snapshot is of another log, without a reset');
    if (index > visible && index < received)
      throw new FormatError('a snapshot came after entries that it does not hold');
    this.#fromLeader(attachment, { t: 'snapshot', index }, () => {
      this.#log.install(snapshot);
      this.#events.push({ kind: 'installed', index, life, stocks: stocks.length });
      if (before !== null) return;
      for (const link of this.#frontends.links) this.#outbox.send(link, { t: 'life', life });
    });
  }

  /** Goes on as a process that has just started: what the catalog has is of another log. */
  #reset({ link, replica, term }: Leader, reason: string): void {
    if (this.#log.position.life === null)
      throw new FormatError('a reset came though there is nothing to forget');
    for (const frontend of this.#frontends.links)
      this.#closes.push([frontend, 'the catalog follows another log']);
    this.#frontends.closeAll();
    this.#log = this.#emptyLog();
    this.#rules = this.#startedRules();
    this.#events.push({ kind: 'reset', replica, term, reason });
    this.#attach(link, replica, term);
  }

  #fromLeader(
    attachment: number,
    message: Parameters<CatalogRules['onLeaderMessage']>[1],
    change?: Change,
  ): void {
    this.#carryOut(this.#rules.onLeaderMessage(attachment, message, this.#now), change);
  }

  /** Does what the rules ask for, in their order. */
  #carryOut(effects: readonly CatalogEffect[], change?: Change): void {
    for (const effect of effects) {
      switch (effect.do) {
        case 'toLeader':
          this.#toLeader(effect.message);
          break;
        case 'toFrontend':
          this.#frontends.tell(effect.link, effect.message, this.#log.table);
          break;
        case 'apply':
        case 'install':
          assertRule(change !== undefined, 'stocks change by what a leader sent');
          change(effect.index);
          break;
        case 'closeFrontend':
          this.#frontends.close(effect.link);
          this.#closes.push([effect.link, effect.reason]);
      }
    }
  }

  #toLeader(message: Extract<CatalogEffect, { do: 'toLeader' }>['message']): void {
    const leader = this.#leader;
    if (leader === null) return;
    if (message.t !== 'attach') {
      this.#outbox.send(leader.link, message);
      return;
    }
    const { process, visible, hadAuthority } = message;
    const { replica, term } = leader;
    this.#outbox.send(leader.link, {
      ...{ t: 'attach', term, process, visible, hadAuthority },
      ...this.#log.position,
    });
    this.#events.push({ kind: 'attached', replica, term, visible, hadAuthority });
  }

  #report(): CatalogReport {
    const { position, table } = this.#log;
    return {
      lastIndex: position.lastIndex,
      stocks: table.size,
      ready: this.#rules.mayAnswer(this.#now),
      sessions: this.#frontends.report(this.#rules.state.sessions.values(), this.#now),
    };
  }

  #authorityMs(now: number): number {
    return Math.max(0, Math.round(this.#rules.state.authority.until - now));
  }

  #emptyLog(): FollowedLog {
    return new FollowedLog(this.#options.entriesMax, this.#options.entryBytesMax);
  }

  #startedRules(): CatalogRules {
    const { id, newProcess, timing = CATALOG_TIMING, frontendsMax = FRONTENDS_MAX } = this.#options;
    return new CatalogRules(startedState(id, newProcess()), timing, {
      sessionsMax: frontendsMax,
      isListed: (name) => this.#log.table.get(name) !== undefined,
    });
  }
}

/** The stocks that an entry may change. */
function namesOf({ batch }: ReceivedEntry): readonly string[] {
  return batch === null ? [] : [...new Set(batch.commands.map(({ name }) => name))];
}

/**
 * A small world around the rules of the orders service: three books that apply one log, a leader and others that led
 * before it and do not know that they are deposed, and a catalog that may lose the last that it decided, or its disk. What
 * happens next is drawn at random; every answer is held against all that were given before.
 */
import * as assert from 'uvu/assert';
import { encodeBatch, type CatalogToLeader, type Order } from '@trireme/domain';
import type { SettlerAction } from '../settler.js';
import { MemoryStore } from './memory-store.js';
import { Clients } from './clients.js';
import type { Random } from './random.js';
import { ReferenceCatalog } from './reference-catalog.js';
import {
  applyTo,
  beginWrite,
  endWrite,
  newLead,
  newReplica,
  restartedBook,
  type Lead,
  type Replica,
} from './world-members.js';

export const SEED = { A: 20, BB: 30, CCC: 0 } as const;
const NAMES = [...Object.keys(SEED), 'LISTED', 'UNKNOWN'];

export class World {
  readonly catalog = new ReferenceCatalog(SEED);
  readonly replicas: readonly Replica[] = [0, 1, 2].map(() => newReplica(new MemoryStore()));
  readonly clients: Clients;
  /** Orders that were read before a book had them. */
  readonly read = new Map<number, Order>();
  /** How many frames of each type came to either end. */
  readonly frames = new Map<string, number>();
  /** Batches whose outcomes were told and then lost by a crash of the catalog. */
  lost = 0;
  readonly #random: Random;
  /** The present leader's log; `null` is a no-op. */
  #log: (Uint8Array | null)[] = [];
  #committed = 0;
  #leader: Lead;
  #deposed: Lead[] = [];
  #copies: ReturnType<ReferenceCatalog['copy']>[] = [];
  #everDecided = 0;
  /** What any catalog ever answered, by log index. */
  readonly #outcomes = new Map<number, string>();
  /** Monotonic milliseconds. */
  #now = 0;

  constructor(random: Random) {
    this.#random = random;
    this.clients = new Clients(random, NAMES);
    this.#leader = this.#lead(this.#replica());
  }

  get log(): readonly (Uint8Array | null)[] {
    return this.#log.slice(0, this.#committed);
  }

  /** One random event. */
  step(): void {
    const dice = this.#random.next();
    if (dice < 0.12) this.clients.submit(this.#anyLead().desk);
    else if (dice < 0.24) this.#flush(this.#anyLead());
    else if (dice < 0.36) this.#commit(this.#random.below(4));
    else if (dice < 0.48) this.#apply(this.#replica(), 1 + this.#random.below(5));
    else if (dice < 0.58) this.#write(this.#replica());
    else if (dice < 0.62) this.#grant();
    else if (dice < 0.66) this.#confirm(this.#anyLead());
    else if (dice < 0.7) this.#readEffects(this.#anyLead());
    else if (dice < 0.83) this.#deliverUp(this.#anyLead());
    else if (dice < 0.96) this.#deliverDown(this.#anyLead());
    else this.#fault();
  }

  #fault(): void {
    const dice = this.#random.next();
    if (dice < 0.12) this.#breakLink(this.#anyLead());
    else if (dice < 0.6) this.#openLink(this.#anyLead());
    else if (dice < 0.7) this.elect();
    else if (dice < 0.75) this.#close(this.#random.pick(this.#deposed));
    else if (dice < 0.81) this.#restart(this.#replica());
    else if (dice < 0.85) this.catalog.save();
    else if (dice < 0.89) this.#crashCatalog();
    else if (dice < 0.95) this.#copies.push(this.catalog.copy());
    else this.#loseCatalog(this.#random.chance(0.5) ? null : (this.#random.pick(this.#copies) ?? null));
  }

  #replica(): Replica {
    const replica = this.#random.pick(this.replicas);
    assert.ok(replica);
    return replica;
  }

  #anyLead(): Lead {
    const deposed = this.#random.chance(0.25) ? this.#random.pick(this.#deposed) : undefined;
    return deposed ?? this.#leader;
  }

  #flush(lead: Lead): void {
    const batch = lead.desk.takeBatch();
    if (batch === null) return;
    if (this.#random.chance(0.1)) {
      lead.desk.notLogged(batch.commands, batch.settlements);
      return;
    }
    this.#now += this.#random.below(10);
    const { meta } = lead.replica.book;
    const times = lead.clock.next(this.#now, this.#wallClock());
    assert.ok(
      times.age >= meta.age && times.age <= this.#now,
      'the log is as old as anyone has led it at most',
    );
    assert.ok(times.time >= meta.time, 'time never falls');
    lead.lastIndex += 1;
    // What a deposed leader proposes goes nowhere.
    if (lead === this.#leader) this.#log.push(encodeBatch({ ...times, ...batch }));
    lead.desk.logged(lead.lastIndex, batch.commands);
  }

  /** As the members' clocks have it: right, or anything. */
  #wallClock(): number {
    if (this.#random.chance(0.7)) return 1_000_000 + this.#now;
    return this.#random.pick([-1, 0, 9e15, -Infinity, Infinity, NaN, 1_000_000]) ?? 0;
  }

  #commit(count: number): void {
    this.#committed = Math.min(this.#log.length, this.#committed + count);
  }

  /** A replica that still thinks that it leads takes no entries of another leader. */
  #apply(replica: Replica, count: number): void {
    if (this.#deposed.some((lead) => lead.replica === replica)) return;
    const { applied } = replica.book.meta;
    const entries = this.#log.slice(applied, Math.min(this.#committed, applied + count));
    if (entries.length === 0) return;
    const { pending } = applyTo(replica, entries);
    const lead = this.#leadOf(replica);
    if (lead !== undefined) for (const batch of pending) this.#act(lead, lead.settler.pending(batch));
  }

  /** Ends the write under way, or begins one. */
  #write(replica: Replica): void {
    if (replica.writing === null) beginWrite(replica);
    else this.#written(replica);
  }

  #written(replica: Replica): void {
    const settled = endWrite(replica);
    if (settled.length === 0) return;
    const lead = this.#leadOf(replica);
    if (lead === undefined) return;
    for (const batch of settled) {
      lead.settler.settled(batch.index);
      lead.desk.settled(batch);
    }
  }

  #leadOf(replica: Replica): Lead | undefined {
    return [this.#leader, ...this.#deposed].find((lead) => lead.replica === replica);
  }

  /** Only the present leader is confirmed; it may be deposed before it hears of it. */
  #grant(): void {
    const { rounds, granted } = this.#leader;
    for (const round of rounds.splice(0)) granted.push({ round, commit: this.#committed });
  }

  #confirm(lead: Lead): void {
    const [first] = lead.granted;
    if (first === undefined || lead.replica.book.meta.applied < first.commit) return;
    lead.granted.shift();
    this.#act(lead, lead.settler.confirmed(first.round));
  }

  #readEffects(lead: Lead): void {
    const read = lead.effectReads.shift();
    if (read === undefined) return;
    const effects = lead.replica.store.effects(read.after, 3);
    this.#act(lead, lead.settler.effectsRead(read.round, effects));
  }

  #act(lead: Lead, actions: readonly SettlerAction[]): void {
    for (const action of actions) {
      switch (action.do) {
        case 'send':
          lead.up.push(action.frame);
          break;
        case 'confirm':
          lead.rounds.push(action.round);
          break;
        case 'readEffects':
          lead.effectReads.push(action);
          break;
        case 'decided':
          this.clients.answered(lead.desk.decided(action.batch, action.outcomes));
          this.#readTold(lead);
          break;
        case 'catalogAhead':
          assert.unreachable(`the catalog has decided ${action.decided}, the log knows of ${action.logged}`);
      }
    }
  }

  /** Reads every order that the book does not have yet; whoever leads, each is always the same. */
  #readTold({ desk, replica }: Lead): void {
    for (let number = replica.store.meta.orders + 1; ; number += 1) {
      const order = desk.order(number);
      if (order === null) return;
      assert.equal(order, this.read.get(number) ?? order, `order ${number}`);
      this.read.set(number, order);
    }
  }

  #deliverUp(lead: Lead): void {
    const frame = lead.isLinked ? lead.up.shift() : undefined;
    if (frame === undefined) return;
    this.frames.set(frame.t, (this.frames.get(frame.t) ?? 0) + 1);
    if (frame.t === 'attach') {
      assert.ok(frame.upTo >= lead.decidedAtStanding, 'attach names everything that was decided');
      return;
    }
    const answer = this.catalog.handle(frame);
    if (answer === null) return;
    if (answer.t === 'standing') lead.decidedAtStanding = this.#everDecided;
    if (answer.t === 'decided') this.#note(answer);
    this.#everDecided = Math.max(this.#everDecided, this.catalog.lastIndex);
    lead.down.push(answer);
  }

  #deliverDown(lead: Lead): void {
    const frame = lead.isLinked ? lead.down.shift() : undefined;
    if (frame === undefined) return;
    this.frames.set(frame.t, (this.frames.get(frame.t) ?? 0) + 1);
    this.#act(lead, lead.settler.received(frame));
  }

  #breakLink(lead: Lead): void {
    if (!lead.isLinked) return;
    lead.isLinked = false;
    lead.up = [];
    lead.down = [];
    lead.settler.linkClosed();
  }

  #openLink(lead: Lead): void {
    if (lead.isLinked) return;
    lead.isLinked = true;
    this.#act(lead, lead.settler.linkOpened());
  }

  /** Whichever life of the catalog decides an index, and however often, it decides the same. */
  #note({ items }: Extract<CatalogToLeader, { t: 'decided' }>): void {
    for (const [index, outcomes] of items) {
      const text = JSON.stringify(outcomes);
      assert.is(text, this.#outcomes.get(index) ?? text, `outcomes of ${index}`);
      this.#outcomes.set(index, text);
    }
  }

  /** The catalog dies without its last decisions on disk, and its leader perhaps at the same moment. */
  #crashCatalog(): void {
    for (const lead of [this.#leader, ...this.#deposed]) this.#breakLink(lead);
    const before = this.catalog.lastIndex;
    this.catalog.crash();
    for (const index of this.#outcomes.keys()) {
      if (index > this.catalog.lastIndex && index <= before) this.lost += 1;
    }
    if (this.#random.chance(0.3)) this.elect();
  }

  /** The catalog restarts with an old copy or the seed file. */
  #loseCatalog(copy: ReturnType<ReferenceCatalog['copy']> | null): void {
    for (const lead of [this.#leader, ...this.#deposed]) this.#breakLink(lead);
    this.catalog.restore(copy);
  }

  /** Another lead begins: what was not committed is partly lost. The leader before may not notice. */
  elect(): void {
    const before = this.#leader;
    const free = this.replicas.filter((replica) => replica !== before.replica && this.#isFree(replica));
    const replica = this.#random.pick(free) ?? before.replica;
    if (replica === before.replica) this.#close(before);
    else this.#deposed.push(before);
    const tail = this.#log.length - this.#committed;
    this.#log = this.#log.slice(0, this.#committed + this.#random.below(tail + 1));
    this.#leader = this.#lead(replica);
  }

  #isFree(replica: Replica): boolean {
    return !this.#deposed.some((lead) => lead.replica === replica);
  }

  /** Its no-op is committed and applied, and all that was applied is written, before it leads. */
  #lead(replica: Replica): Lead {
    this.#log.push(null);
    this.#committed = this.#log.length;
    this.#written(replica);
    while (replica.book.meta.applied < this.#committed) {
      this.#applyQuietly(replica, 1 + this.#random.below(5));
    }
    this.#writeAll(replica);
    return newLead(replica, this.#log.length, this.#now);
  }

  #applyQuietly(replica: Replica, count: number): void {
    const { applied } = replica.book.meta;
    const entries = this.#log.slice(applied, Math.min(this.#committed, applied + count));
    applyTo(replica, entries);
    if (this.#random.chance(0.3)) this.#writeAll(replica);
  }

  #writeAll(replica: Replica): void {
    this.#written(replica);
    beginWrite(replica);
    this.#written(replica);
  }

  /** A deposed leader learns it. */
  #close(lead: Lead | undefined): void {
    if (lead === undefined) return;
    this.clients.answered(lead.desk.close());
    this.#deposed = this.#deposed.filter((other) => other !== lead);
    this.#written(lead.replica);
  }

  /** A follower's process restarts: what is not written is lost, and is applied again from the log. */
  #restart(replica: Replica): void {
    if (this.#leadOf(replica) !== undefined) return;
    replica.writing = null;
    replica.settled = [];
    replica.book = restartedBook(replica);
  }

  /** Faults end: everything under way comes to its end. */
  heal(): void {
    for (const lead of this.#deposed) this.#close(lead);
    const leader = this.#leader;
    this.#openLink(leader);
    for (let turn = 0; turn < 2000; turn += 1) {
      for (let i = 0; i < 4; i += 1) this.#flush(leader);
      this.#commit(this.#log.length);
      for (const replica of this.replicas) {
        this.#apply(replica, 100);
        this.#writeAll(replica);
      }
      this.#grant();
      this.#confirm(leader);
      this.#readEffects(leader);
      this.#deliverUp(leader);
      this.#deliverDown(leader);
      const { desk, settler } = leader;
      const isIdle = desk.open === 0 && desk.unsettled === 0 && settler.phase === 'deciding';
      if (isIdle && this.replicas.every(({ store }) => store.meta.applied === this.#log.length)) return;
    }
    assert.unreachable('the world does not come to rest');
  }
}

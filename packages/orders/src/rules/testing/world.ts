/**
 * A small world around the rules of the orders service: three books that apply one log, a leader and others that led
 * before it and do not know that they are deposed, and a catalog that may restart with nothing. What happens next is drawn at
 * random; every answer is held against all that were given before.
 */
import * as assert from 'uvu/assert';
import {
  decodeBatch,
  encodeBatch,
  type Command,
  type Order,
  type SeedPart,
  type SeedStock,
} from '@trireme/domain';
import type { FeedAction } from '../catalog-feed.js';
import type { Answer } from '../command-queue.js';
import { MemoryStore } from './memory-store.js';
import { Clients } from './clients.js';
import type { Random } from './random.js';
import { CATALOG, ReferenceCatalog } from './reference-catalog.js';
import {
  applyTo,
  beginWrite,
  endWrite,
  newLead,
  newReplica,
  shownBy,
  type Lead,
  type Replica,
} from './world-members.js';

export const SEED: readonly SeedStock[] = [
  { name: 'A', price: 1001, quantity: 20 },
  { name: 'BB', price: 1002, quantity: 30 },
  { name: 'CCC', price: 1003, quantity: 0 },
];
const NAMES = [...SEED.map(({ name }) => name), 'LISTED', 'UNKNOWN'];

export class World {
  readonly catalog = new ReferenceCatalog();
  readonly replicas: readonly Replica[] = [0, 1, 2].map(() => newReplica(new MemoryStore()));
  readonly clients: Clients;
  /** Orders that were read before a book had them. */
  readonly read = new Map<number, Order>();
  /** How many frames of each type came to either end. */
  readonly frames = new Map<string, number>();
  /** Outcomes that were told while the catalog held authority. */
  toldBesideCatalog = 0;
  /** Reads that were answered as of a confirmed leader. */
  sureReads = 0;
  readonly #random: Random;
  /** The present leader's log; `null` is a no-op. */
  #log: (Uint8Array | null)[] = [];
  #committed = 0;
  #leads = 0;
  #leader: Lead;
  #deposed: Lead[] = [];
  /** Log index of the batch that made the command of a key, as far as the log is committed. */
  readonly #indexOfKey = new Map<string, number>();
  #indexed = 0;
  /** The highest log index of a batch that any client was told an outcome of, and the highest number of an order. */
  #toldIndex = 0;
  #toldOrder = 0;
  /** Monotonic milliseconds. */
  #now = 0;

  constructor(random: Random) {
    this.#random = random;
    this.clients = new Clients(random, NAMES);
    this.#logSeed();
    this.#leader = this.#lead(this.#replica());
  }

  get log(): readonly (Uint8Array | null)[] {
    return this.#log.slice(0, this.#committed);
  }

  /** One random event. */
  step(): void {
    const dice = this.#random.next();
    if (dice < 0.12) this.#submit(this.#anyLead());
    else if (dice < 0.24) this.#flush(this.#anyLead());
    else if (dice < 0.36) this.#commit(this.#random.below(4));
    else if (dice < 0.48) this.#apply(this.#replica(), 1 + this.#random.below(5));
    else if (dice < 0.58) this.#write(this.#replica());
    else if (dice < 0.6) this.#grant();
    else if (dice < 0.62) this.#passTime(this.#random.below(40));
    else if (dice < 0.66) this.#confirm(this.#anyLead());
    else if (dice < 0.68) this.#askSurely(this.#anyLead());
    else if (dice < 0.7) this.#readSurely(this.#anyLead());
    else if (dice < 0.83) this.#deliverUp(this.#anyLead());
    else if (dice < 0.96) this.#deliverDown(this.#anyLead());
    else this.#fault();
    this.#checkShown(this.#replica());
  }

  #fault(): void {
    const dice = this.#random.next();
    if (dice < 0.12) this.#breakLink(this.#anyLead());
    else if (dice < 0.6) this.#openLink(this.#anyLead());
    else if (dice < 0.7) this.elect();
    else if (dice < 0.75) this.#close(this.#random.pick(this.#deposed));
    else if (dice < 0.83) this.#restart(this.#replica());
    else if (dice < 0.88) this.#log.push(this.#stray());
    else if (dice < 0.95) this.#restartCatalog();
    else this.clients.leave(this.#anyLead().queue);
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

  // ---- the seed ----------------------------------------------------------------------------------------------

  /** Leaders that were deposed before they had logged all of theirs, and one that was not. */
  #logSeed(): void {
    for (let interrupted = this.#random.below(4); interrupted > 0; interrupted -= 1) {
      for (const part of this.#seedOf(this.#life()).slice(0, -1)) this.#log.push(part);
      if (this.#random.chance(0.5)) this.#log.push(null);
    }
    for (const part of this.#seedOf(this.#life(), SEED)) this.#log.push(part);
  }

  #life(): string {
    return this.#random
      .below(2 ** 32)
      .toString(16)
      .padStart(16, '0');
  }

  /** A seed in parts of one stock each; of other stocks unless they are given. */
  #seedOf(
    life: string,
    stocks: readonly SeedStock[] = Array.from({ length: 3 }, (_, i) => ({
      name: i === 0 ? 'A' : `X${i}`,
      price: 7,
      quantity: 7,
    })),
  ): readonly Uint8Array[] {
    return stocks.map((stock, part) => seedEntry({ life, part, parts: stocks.length, stocks: [stock] }));
  }

  /** What changes nothing any more: part of another seed, or a batch whose keys were all used before. */
  #stray(): Uint8Array | null {
    const entries = this.#random.chance(0.5) ? this.#seedOf(this.#life()) : this.log;
    return this.#random.pick(entries) ?? null;
  }

  // ---- orders ------------------------------------------------------------------------------------------------

  #submit({ queue }: Lead): void {
    const answer = this.clients.submit(queue);
    if (answer !== null) this.#answered([answer]);
  }

  #flush(lead: Lead): void {
    const taken = lead.queue.takeBatch();
    if (taken !== null && this.#random.chance(0.1)) {
      lead.queue.notLogged(taken);
      return;
    }
    // Without commands it tells the others what is visible.
    if (taken !== null || this.#random.chance(0.2)) this.#propose(lead, taken ?? []);
  }

  #propose(lead: Lead, commands: readonly Command[]): void {
    this.#now += this.#random.below(10);
    const { meta } = lead.replica.book;
    const times = lead.clock.next(this.#now, this.#wallClock());
    assert.ok(
      times.age >= meta.age && times.age <= this.#now,
      'the log is as old as anyone has led it at most',
    );
    assert.ok(times.time >= meta.time, 'time never falls');
    const { visibleOrders } = lead.queue;
    const bytes = encodeBatch({ ...times, visibleOrders, commands, seed: null });
    lead.lastIndex = Math.max(lead.lastIndex, lead.replica.book.meta.applied) + 1;
    // What a deposed leader proposes goes nowhere.
    if (lead === this.#leader) {
      this.#log.push(bytes);
      lead.lastIndex = this.#log.length;
    }
    if (commands.length === 0) return;
    lead.queue.logged(lead.lastIndex, commands);
    const names = [...new Set(commands.map(({ name }) => name))];
    this.#act(lead, lead.feed.logged(lead.lastIndex, bytes, names, this.#now));
  }

  /** As the members' clocks have it: right, or anything. */
  #wallClock(): number {
    if (this.#random.chance(0.7)) return 1_000_000 + this.#now;
    return this.#random.pick([-1, 0, 9e15, -Infinity, Infinity, NaN, 1_000_000]) ?? 0;
  }

  #commit(count: number): void {
    this.#committed = Math.min(this.#log.length, this.#committed + count);
  }

  /** A deposed leader learns of what was committed before it was. */
  #apply(replica: Replica, count: number): void {
    const { applied } = replica.book.meta;
    const lead = this.#leadOf(replica);
    const end = Math.min(this.#committed, lead?.deposedAt ?? Infinity, applied + count);
    const entries = this.#log.slice(applied, end);
    if (entries.length === 0) return;
    const decided = applyTo(replica, entries, lead?.feed.visible);
    if (lead === undefined) return;
    for (const batch of decided) lead.queue.decided(batch);
    this.#act(lead, lead.feed.applied(replica.book.meta.applied, this.#now));
  }

  /** Ends the write under way, or begins one. */
  #write(replica: Replica): void {
    if (replica.writing === null) beginWrite(replica);
    else this.#written(replica);
  }

  #written(replica: Replica): void {
    const applied = endWrite(replica);
    const lead = this.#leadOf(replica);
    if (applied === null || lead === undefined) return;
    lead.queue.stored(applied);
    lead.waits.readableTo(lead.queue.readableIndex);
  }

  #leadOf(replica: Replica): Lead | undefined {
    return [this.#leader, ...this.#deposed].find((lead) => lead.replica === replica);
  }

  // ---- answers and reads -------------------------------------------------------------------------------------

  /** Nobody is told an outcome while a catalog may show what was before it. */
  #answered(answers: readonly Answer[]): void {
    this.clients.answered(answers, (key, verdict) => {
      const index = this.#indexOf(key);
      this.#checkVisible(index, `the outcome of ${key}`);
      if (this.catalog.isReady(this.#now)) this.toldBesideCatalog += 1;
      this.#toldIndex = Math.max(this.#toldIndex, index);
      if (verdict[0] === 'filled') this.#toldOrder = Math.max(this.#toldOrder, Number(verdict[1]));
    });
  }

  #checkVisible(index: number, what: string): void {
    assert.ok(
      !this.catalog.isReady(this.#now) || this.catalog.received >= index,
      `${what} is told before ${index} is revoked`,
    );
  }

  /** The catalog answers nothing that is older than what any client was told. */
  #checkCatalog(): void {
    if (this.catalog.isReady(this.#now))
      assert.ok(
        this.catalog.received >= this.#toldIndex,
        `the catalog answers as of ${this.catalog.received}, clients were told of ${this.#toldIndex}`,
      );
  }

  /** Where the log has the command of a key. */
  #indexOf(key: string): number {
    for (; this.#indexed < this.#committed; this.#indexed += 1) {
      const bytes = this.#log[this.#indexed] ?? null;
      const commands = bytes === null ? [] : decodeBatch(bytes).commands;
      for (const command of commands)
        if (!this.#indexOfKey.has(command.key)) this.#indexOfKey.set(command.key, this.#indexed + 1);
    }
    const index = this.#indexOfKey.get(key);
    assert.ok(index !== undefined, `${key} is told, and no committed entry has it`);
    return index;
  }

  /** What a replica shows to a reader is visible. */
  #checkShown(replica: Replica): void {
    const shown = shownBy(replica, this.#leadOf(replica));
    const order = replica.store.orders.get(shown);
    assert.ok(shown === 0 || order !== undefined, `order ${shown} is shown and not stored`);
    if (order !== undefined) this.#tellOrder(order.number, order.index);
  }

  /** Somebody has seen the order: it counts like an answer. */
  #tellOrder(number: number, index: number): void {
    this.#checkVisible(index, `order ${number}`);
    this.#toldIndex = Math.max(this.#toldIndex, index);
    this.#toldOrder = Math.max(this.#toldOrder, number);
  }

  /** Reads every order that is visible and not stored yet; whoever leads, each is always the same. */
  #readTold({ queue, replica }: Lead): void {
    for (let number = replica.store.meta.orders + 1; ; number += 1) {
      const order = queue.order(number);
      if (order === null) return;
      assert.ok(number <= queue.visibleOrders, `order ${number} is read before it is visible`);
      assert.equal(order, this.read.get(number) ?? order, `order ${number}`);
      this.read.set(number, order);
    }
  }

  #askSurely({ reads }: Lead): void {
    if (reads.length < 5) reads.push({ told: this.#toldOrder, commit: null });
  }

  /** As a list does it: confirmed, then once everything is readable that was told by then. */
  #readSurely(lead: Lead): void {
    const [first] = lead.reads;
    if (first === undefined || first.commit === null || lead.replica.book.meta.applied < first.commit) return;
    lead.reads.shift();
    const { queue, waits } = lead;
    waits.wait(queue.toldIndex, queue.readableIndex, 1, (isComplete) => {
      if (!isComplete) return;
      this.sureReads += 1;
      const shown = shownBy(lead.replica, lead);
      assert.ok(
        shown >= first.told,
        `a read that was asked after order ${first.told} was told ends at ${shown}`,
      );
    });
  }

  // ---- time ----------------------------------------------------------------------------------------------------

  /** Leases end, and the catalog asks for authority. */
  #passTime(ms: number): void {
    this.#now += ms;
    for (const lead of [this.#leader, ...this.#deposed]) {
      this.#act(lead, lead.feed.tick(this.#now));
      if (this.catalog.leader === lead.id) lead.down.push(...this.catalog.ask(this.#now));
    }
  }

  // ---- the leader and its catalog ------------------------------------------------------------------------------

  /** Only the present leader is confirmed; it may be deposed before it hears of it. */
  #grant(): void {
    const { rounds, granted, reads } = this.#leader;
    for (const id of rounds.splice(0)) granted.push({ id, commit: this.#committed });
    for (const read of reads) read.commit ??= this.#committed;
  }

  #confirm(lead: Lead): void {
    const [first] = lead.granted;
    if (first === undefined || lead.replica.book.meta.applied < first.commit) return;
    lead.granted.shift();
    this.#act(lead, lead.feed.confirmed(lead.id, first.id, true, this.#now));
  }

  #act(lead: Lead, actions: readonly FeedAction[]): void {
    for (const action of actions) {
      switch (action.do) {
        case 'send':
          lead.up.push(action.frame);
          break;
        case 'confirm':
          lead.rounds.push(action.id);
          break;
        case 'visible':
          this.#answered(lead.queue.visible(action.index));
          lead.waits.readableTo(lead.queue.readableIndex);
          this.#readTold(lead);
      }
    }
  }

  #deliverUp(lead: Lead): void {
    const frame = lead.isLinked ? lead.up.shift() : undefined;
    if (frame === undefined) return;
    this.#count(frame);
    lead.down.push(...this.catalog.handle(frame, this.#now, lead.id));
    this.#checkCatalog();
  }

  #deliverDown(lead: Lead): void {
    const frame = lead.isLinked ? lead.down.shift() : undefined;
    if (frame === undefined) return;
    this.#count(frame);
    if (frame.t !== 'hello') this.#act(lead, lead.feed.received(lead.id, frame, this.#now));
  }

  #count({ t }: { readonly t: string }): void {
    this.frames.set(t, (this.frames.get(t) ?? 0) + 1);
  }

  #breakLink(lead: Lead): void {
    if (!lead.isLinked) return;
    lead.isLinked = false;
    lead.up = [];
    lead.down = [];
    lead.feed.linkClosed(lead.id);
    this.catalog.linkClosed(lead.id);
  }

  #openLink(lead: Lead): void {
    if (lead.isLinked) return;
    lead.isLinked = true;
    this.#act(lead, lead.feed.linkOpened(lead.id, CATALOG, false));
  }

  /** The catalog dies with all that it knows, and its leader perhaps at the same moment. */
  #restartCatalog(): void {
    for (const lead of [this.#leader, ...this.#deposed]) this.#breakLink(lead);
    this.catalog.restart();
    if (this.#random.chance(0.3)) this.elect();
  }

  // ---- leads ---------------------------------------------------------------------------------------------------

  /** Another lead begins: what was not committed is partly lost. The leader before may not notice. */
  elect(): void {
    const before = this.#leader;
    const free = this.replicas.filter((replica) => replica !== before.replica && this.#isFree(replica));
    const replica = this.#random.pick(free) ?? before.replica;
    if (replica === before.replica) this.#close(before);
    else {
      before.deposedAt = this.#committed;
      this.#deposed.push(before);
    }
    const tail = this.#log.length - this.#committed;
    this.#log = this.#log.slice(0, this.#committed + this.#random.below(tail + 1));
    this.#leader = this.#lead(replica);
  }

  #isFree(replica: Replica): boolean {
    return !this.#deposed.some((lead) => lead.replica === replica);
  }

  /** Its no-op is committed and applied before it leads; what was applied may be on its way to the store. */
  #lead(replica: Replica): Lead {
    this.#log.push(null);
    this.#committed = this.#log.length;
    while (replica.book.meta.applied < this.#committed) {
      this.#applyQuietly(replica, 1 + this.#random.below(5));
    }
    this.#leads += 1;
    const lead = newLead(this.#leads, replica, this.#log.length, this.#now);
    this.#act(lead, lead.feed.begin(this.#now));
    return lead;
  }

  #applyQuietly(replica: Replica, count: number): void {
    const { applied } = replica.book.meta;
    const entries = this.#log.slice(applied, Math.min(this.#committed, applied + count));
    applyTo(replica, entries);
    if (this.#random.chance(0.3)) writeAll(replica);
    // A process that dies in the middle, of the seed as well, goes on with what it wrote.
    if (this.#random.chance(0.1)) restart(replica);
  }

  #writeAll(replica: Replica): void {
    this.#written(replica);
    beginWrite(replica);
    this.#written(replica);
  }

  /** A deposed leader learns it. */
  #close(lead: Lead | undefined): void {
    if (lead === undefined) return;
    this.#answered(lead.queue.close());
    lead.waits.giveUp();
    this.#breakLink(lead);
    this.#deposed = this.#deposed.filter((other) => other !== lead);
    this.#written(lead.replica);
  }

  /** A follower's process restarts: what is not written is lost, and is applied again from the log. */
  #restart(replica: Replica): void {
    if (this.#leadOf(replica) === undefined) restart(replica);
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
      this.#readSurely(leader);
      for (let i = 0; i < 8; i += 1) {
        this.#deliverUp(leader);
        this.#deliverDown(leader);
      }
      this.#passTime(5);
      if (this.#isAtRest) return;
    }
    assert.unreachable('the world does not come to rest');
  }

  /** All is answered and stored, and every replica shows every order. */
  get #isAtRest(): boolean {
    const { queue, reads, waits } = this.#leader;
    if (queue.open > 0 || reads.length + waits.size > 0 || !this.catalog.isReady(this.#now)) return false;
    if (this.catalog.visible < this.#leader.replica.book.meta.lastIndex) return false;
    return this.replicas.every(
      ({ store: { meta } }) => meta.applied === this.#log.length && meta.visibleOrders === meta.orders,
    );
  }
}

function writeAll(replica: Replica): void {
  endWrite(replica);
  beginWrite(replica);
  endWrite(replica);
}

function restart(replica: Replica): void {
  replica.writing = null;
  replica.book = replica.store.open();
}

function seedEntry(seed: SeedPart): Uint8Array {
  const set = seed.part === 0 ? { catalogs: [CATALOG] } : {};
  return encodeBatch({ age: 0, time: 0, visibleOrders: 0, commands: [], seed, ...set });
}

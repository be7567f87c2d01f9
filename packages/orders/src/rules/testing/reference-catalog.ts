/**
 * A minimal catalog: it follows one leader and has no front-ends, so that it has revoked every entry that it
 * received. It keeps nothing across a restart.
 */
import * as assert from 'uvu/assert';
import {
  decodeBatch,
  type CatalogToReplica,
  type Command,
  type Outcome,
  type ReplicaToCatalog,
} from '@trireme/domain';
import { holderLeaseMs } from '@trireme/coherence';
import { nextHash } from '@trireme/state-machine';

type ReferenceStocks = Map<string, { readonly price: number; readonly quantity: number }>;

type Frame<T extends ReplicaToCatalog['t']> = Extract<ReplicaToCatalog, { readonly t: T }>;

interface Received {
  readonly index: number;
  readonly batch: Uint8Array;
  readonly commands: readonly Command[];
}

export const CATALOG = 'catalog-1';
const AUTHORITY_MS = 100;

export class ReferenceCatalog {
  #stocks: ReferenceStocks = new Map();
  #life: string | null = null;
  #hash = '';
  #lastIndex = 0;
  #visible = 0;
  #received = 0;
  #entries: Received[] = [];
  #leader: { readonly link: number; readonly term: number } | null = null;
  #parts: Frame<'snapshot'>[] = [];
  #process = 0;
  #requestedAt = new Map<number, number>();
  #lastRequest = 0;
  #authorityUntil = -Infinity;

  /** Entries up to this log index were received and revoked. */
  get receivedIndex(): number {
    return this.#received;
  }

  /** Its stocks are as of this log index. */
  get visibleIndex(): number {
    return this.#visible;
  }

  /** Whether it answers look-ups. */
  isReady(now: number): boolean {
    return now < this.#authorityUntil;
  }

  quantity(name: string): number {
    return this.#stocks.get(name)?.quantity ?? 0;
  }

  /** Restarts with an empty state. Its links must be closed before. */
  restart(): void {
    this.#stocks = new Map();
    this.#life = null;
    this.#hash = '';
    this.#lastIndex = this.#visible = this.#received = 0;
    this.#entries = [];
    this.#leader = null;
    this.#process += 1;
    this.#requestedAt.clear();
    this.#authorityUntil = -Infinity;
  }

  linkClosed(link: number): void {
    if (this.#leader?.link === link) this.#leader = null;
  }

  /** Requests authority from the leader; returns nothing without a leader. */
  requestAuthority(now: number): readonly CatalogToReplica[] {
    if (this.#leader === null) return [];
    this.#lastRequest += 1;
    this.#requestedAt.set(this.#lastRequest, now);
    return [{ t: 'requestAuthority', id: this.#lastRequest }];
  }

  get leader(): number | null {
    return this.#leader?.link ?? null;
  }

  /** @returns the answers */
  handle(frame: ReplicaToCatalog, now: number, link = 1): readonly CatalogToReplica[] {
    if (frame.t === 'lead') return this.#follow(link, frame.term, now);
    if (link !== this.#leader?.link) return [];
    switch (frame.t) {
      case 'members':
        return [];
      case 'refused':
        this.#leader = null;
        return [];
      case 'reset': {
        const { term } = this.#leader;
        this.restart();
        return this.#follow(link, term, now);
      }
      case 'snapshot':
        return this.#addPart(frame);
      case 'entry':
        return this.#entry(frame);
      case 'visible':
        this.#apply(frame);
        return [];
      case 'authority': {
        assert.ok(frame.logged <= this.#received, 'authority follows the entries logged before it');
        const askedAt = this.#requestedAt.get(frame.id);
        if (askedAt !== undefined) this.#authorityUntil = askedAt + holderLeaseMs(AUTHORITY_MS);
        return [];
      }
    }
  }

  #follow(link: number, term: number, now: number): readonly CatalogToReplica[] {
    if (this.#leader !== null && this.#leader.term > term) return [];
    const hadAuthority = this.isReady(now);
    this.#leader = { link, term };
    this.#authorityUntil = -Infinity;
    this.#requestedAt.clear();
    this.#entries = [];
    this.#parts = [];
    this.#received = this.#visible;
    const place = { life: this.#life, lastIndex: this.#lastIndex, hash: this.#hash };
    const attach = { process: `p${this.#process}`, visible: this.#visible, hadAuthority };
    return [{ t: 'attach', term, ...attach, ...place }, ...this.requestAuthority(now)];
  }

  #addPart(frame: Frame<'snapshot'>): readonly CatalogToReplica[] {
    this.#parts.push(frame);
    assert.is(frame.part, this.#parts.length - 1, 'parts arrive in order');
    if (this.#parts.length < frame.parts) return [];
    const stocks = this.#parts.splice(0).flatMap((part) => part.stocks);
    const { index, life, lastIndex, hash } = frame;
    if (index <= this.#visible) return [];
    this.#stocks = new Map(stocks.map(([name, price, quantity]) => [name, { price, quantity }]));
    [this.#life, this.#hash, this.#lastIndex] = [life, hash, lastIndex];
    this.#visible = this.#received = index;
    this.#entries = [];
    return [{ t: 'revoked', index }];
  }

  #entry({ index, batch }: Frame<'entry'>): readonly CatalogToReplica[] {
    if (index <= this.#received) return [];
    this.#received = index;
    if (batch !== null) this.#entries.push({ index, batch, commands: decodeBatch(batch).commands });
    return [{ t: 'revoked', index }];
  }

  #apply({ index: upTo, skips, hash }: Frame<'visible'>): void {
    const visible = Math.min(upTo, this.#received);
    if (visible <= this.#visible) return;
    this.#visible = visible;
    while (this.#entries[0] !== undefined && this.#entries[0].index <= visible) {
      const { index, batch, commands } = this.#entries.splice(0, 1)[0] ?? this.#entries[0];
      const skip = skips.find(([at]) => at === index)?.[1] ?? [];
      const outcomes = commands.map((command, position) =>
        skip.includes(position) ? ({ kind: 'none' } as const) : decideOne(this.#stocks, command),
      );
      [this.#hash, this.#lastIndex] = [nextHash(this.#hash, batch, outcomes), index];
    }
    assert.is(this.#hash, hash, `replica and reference have equal hashes up to ${visible}`);
  }
}

/** The decision rules again, written independently of the program's: both must agree. */
function decideOne(stocks: ReferenceStocks, command: Command): Outcome {
  const { kind, name } = command;
  const stock = stocks.get(name);
  if (kind === 'list') {
    stocks.set(name, { price: command.price, quantity: stock?.quantity ?? 0 });
    return { kind: 'done' };
  }
  if (stock === undefined) return { kind: 'rejected', reason: 'STOCK_NOT_FOUND' };
  const quantity = stock.quantity + (kind === 'buy' ? -command.quantity : command.quantity);
  if (quantity < 0) return { kind: 'rejected', reason: 'INSUFFICIENT_STOCK' };
  stocks.set(name, { price: stock.price, quantity });
  return kind === 'restock' ? { kind: 'done' } : { kind: 'filled', price: stock.price };
}

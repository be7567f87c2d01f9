/**
 * One round: all that leaders asked while the round before was under way, applied in order, to be revoked, shown and answered
 * together.
 */
import {
  assertRule,
  outcomeToWire,
  type CatalogToLeader,
  type OutcomeWire,
  type Stock,
} from '@trireme/domain';
import { decide, nextHash, StockDraft, StockTable } from '@trireme/state-machine';
import type { EntryWork, InstallWork, QueuedWork } from './queue.js';

/** How far a catalog follows which log. */
export interface LogPosition {
  /** Life of the log's seed; null before the first snapshot. */
  readonly life: string | null;
  /** The last log index that is applied. */
  readonly lastIndex: number;
  /** Of the log up to there. */
  readonly hash: string;
}

/** How a leader is told of it. */
export function standingOf({ lastIndex, hash }: LogPosition): CatalogToLeader {
  return { t: 'standing', lastIndex, hash };
}

/** An entry that was not applied, as it does not follow what is. */
export interface Refusal {
  readonly link: number;
  readonly index: number;
  readonly prev: number;
  readonly lastIndex: number;
}

/** A snapshot that took the place of the stock table. */
export interface Installation {
  readonly link: number;
  readonly life: string;
  /** Log indexes after and before. */
  readonly index: number;
  readonly prev: number;
  readonly stocks: number;
}

/** What was decided of one command whose request is followed. */
export interface TracedDecision {
  readonly requestId: string;
  readonly index: number;
  readonly position: number;
  readonly outcome: OutcomeWire;
}

/** A frame for a leader's link, or for all of them: `link` is null. */
interface Answer {
  readonly link: number | null;
  readonly frame: CatalogToLeader;
}

/** What a round makes. Made as a whole when it is constructed. */
export class Round {
  #position: LogPosition;
  #table: StockTable;
  #draft: StockDraft;
  #goesBack = false;
  readonly #answers: Answer[] = [];
  /** The `revoked` frame that a later entry raises, by link. */
  readonly #revoked = new Map<number, { readonly t: 'revoked'; index: number }>();
  readonly #refusals: Refusal[] = [];
  readonly #installations: Installation[] = [];
  readonly #traced: TracedDecision[] = [];

  constructor(table: StockTable, position: LogPosition, requests: readonly QueuedWork[]) {
    this.#position = position;
    this.#table = table;
    this.#draft = new StockDraft(table);
    for (const request of requests) this.#handle(request);
  }

  /** Where it leads. */
  get position(): LogPosition {
    return this.#position;
  }

  /** The table that `changed` goes into: the one before the round, or that of a snapshot. */
  get table(): StockTable {
    return this.#table;
  }

  /** Whether a snapshot takes the place of the table, so that any stock may change. */
  get replacesTable(): boolean {
    return this.#installations.length > 0;
  }

  /** Whether what was applied before is not part of what is applied now: a snapshot was of an earlier index or another log. */
  get goesBack(): boolean {
    return this.#goesBack;
  }

  /** The stocks of `table` that it changes, as they will be. */
  get changed(): ReadonlyMap<string, Stock> {
    return this.#draft.changed;
  }

  /** Whether the stock may have another value after the round. */
  mayChange(name: string): boolean {
    return this.replacesTable || this.changed.has(name);
  }

  /** What leaders get once it is over, in order for each link. */
  get answers(): readonly Answer[] {
    return this.#answers;
  }

  get refusals(): readonly Refusal[] {
    return this.#refusals;
  }

  get installations(): readonly Installation[] {
    return this.#installations;
  }

  /** What was decided of commands whose requests are followed. */
  get traced(): readonly TracedDecision[] {
    return this.#traced;
  }

  #handle({ link, work }: QueuedWork): void {
    switch (work.kind) {
      case 'begin':
        this.#answer(link, standingOf(this.#position));
        return;
      case 'install':
        this.#install(link, work);
        return;
      case 'entry':
        this.#entry(link, work);
        return;
    }
  }

  #install(link: number, { snapshot: { index, life, hash, stocks } }: InstallWork): void {
    const before = this.#position;
    this.#position = { life, lastIndex: index, hash };
    this.#table = new StockTable(stocks);
    this.#draft = new StockDraft(this.#table);
    this.#installations.push({ link, life, index, prev: before.lastIndex, stocks: stocks.length });
    this.#answer(link, { t: 'revoked', index });
    if (before.life === null || (before.life === life && index >= before.lastIndex)) return;
    this.#goesBack = true;
    this.#answer(null, { t: 'refused', lastIndex: index });
  }

  #entry(link: number, { index, prev, commands, skip, hash, batch, traces }: EntryWork): void {
    const { life, lastIndex, hash: hashBefore } = this.#position;
    if (index <= lastIndex) {
      this.#revokedUpTo(link, index);
      return;
    }
    if (life === null || prev !== lastIndex) {
      this.#refusals.push({ link, index, prev, lastIndex });
      this.#answer(link, { t: 'refused', lastIndex });
      return;
    }
    const outcomes = decide(this.#draft, index, commands, skip);
    const own = nextHash(hashBefore, batch, outcomes);
    assertRule(
      own === hash,
      `log index ${index} gives hash ${own} here and ${hash} at the leader: their stocks differ. A catalog that starts again takes the leader's`,
    );
    this.#position = { life, lastIndex: index, hash };
    for (const [position, requestId] of traces) {
      const outcome = outcomes[position];
      this.#traced.push({
        ...{ requestId, index, position },
        outcome: outcome === undefined ? null : outcomeToWire(outcome),
      });
    }
    this.#revokedUpTo(link, index);
  }

  /** One frame tells of all entries of the link that come one after the other: the last of them. */
  #revokedUpTo(link: number, index: number): void {
    const frame = this.#revoked.get(link);
    if (frame !== undefined) {
      frame.index = Math.max(frame.index, index);
      return;
    }
    const first: { readonly t: 'revoked'; index: number } = { t: 'revoked', index };
    this.#answer(link, first);
    this.#revoked.set(link, first);
  }

  /** Any other frame ends the `revoked` frame before it, so that a link's answers keep the order of its requests. */
  #answer(link: number | null, frame: CatalogToLeader): void {
    if (link === null) this.#revoked.clear();
    else this.#revoked.delete(link);
    this.#answers.push({ link, frame });
  }
}

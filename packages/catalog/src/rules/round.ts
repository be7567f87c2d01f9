/**
 * One round: all that leaders asked while the round before was under way, decided in order, to be revoked, shown and answered
 * together.
 */
import { outcomeToWire, type CatalogToLeader, type OutcomeWire, type Stock } from '@trireme/domain';
import { decide, replay } from './decisions.js';
import type { Ledger, RecordedOutcomes } from './ledger.js';
import type { DecideWork, QueuedWork, ReplayWork } from './queue.js';
import { StockDraft, type StockTable } from './stocks.js';

/** What rounds change on disk: one atomic, synced write. */
export interface CatalogWrite {
  readonly lastIndex: number;
  readonly settled: number;
  readonly stocks: readonly Stock[];
  readonly outcomes: readonly RecordedOutcomes[];
  /** Log indexes whose outcomes go. */
  readonly forgotten: readonly number[];
}

/** Outcomes in one `decided` frame before the next is begun: keeps it far below the longest frame of a link. */
export const FRAME_OUTCOMES_MAX = 65_536;

/** A request that was not done, and why. */
export interface Refusal {
  readonly link: number;
  readonly kind: 'decide' | 'replay';
  readonly why: 'gap' | 'settled' | 'full';
  readonly index: number;
  readonly prev: number;
}

type DecidedItem = readonly [index: number, outcomes: readonly OutcomeWire[]];

/** A replay that was made. */
export interface ReplayDone {
  readonly link: number;
  readonly prev: number;
  readonly index: number;
  readonly effects: number;
}

/** What was decided of one command whose request is followed. */
export interface TracedDecision {
  readonly requestId: string;
  readonly index: number;
  readonly position: number;
  readonly outcome: OutcomeWire;
}

/** The decisions of a round. Made as a whole when it is constructed. */
export class Round {
  readonly #ledger: Ledger;
  readonly #draft: StockDraft;
  readonly #answers: [link: number, frame: CatalogToLeader][] = [];
  /** The `decided` frame that still grows, by link. */
  readonly #growing = new Map<number, { readonly items: DecidedItem[]; count: number }>();
  readonly #outcomes = new Map<number, readonly OutcomeWire[]>();
  readonly #forgotten: number[] = [];
  readonly #refusals: Refusal[] = [];
  readonly #replays: ReplayDone[] = [];
  readonly #traced: TracedDecision[] = [];
  readonly #firstIndex: number;

  constructor(table: StockTable, ledger: Ledger, requests: readonly QueuedWork[]) {
    this.#ledger = ledger;
    this.#draft = new StockDraft(table);
    this.#firstIndex = ledger.lastIndex;
    for (const request of requests) this.#handle(request);
  }

  /** The stocks that it changes, as they will be. */
  get changed(): ReadonlyMap<string, Stock> {
    return this.#draft.changed;
  }

  /** What leaders get once it is over, in order for each link. */
  get answers(): readonly (readonly [link: number, frame: CatalogToLeader])[] {
    return this.#answers;
  }

  get refusals(): readonly Refusal[] {
    return this.#refusals;
  }

  /** What was decided of commands whose requests are followed. */
  get traced(): readonly TracedDecision[] {
    return this.#traced;
  }

  get replays(): readonly ReplayDone[] {
    return this.#replays;
  }

  /** What to write; null if nothing changed. */
  get write(): CatalogWrite | null {
    if (this.#ledger.lastIndex === this.#firstIndex && this.#forgotten.length === 0) return null;
    return {
      lastIndex: this.#ledger.lastIndex,
      settled: this.#ledger.settled,
      stocks: [...this.#draft.changed.values()],
      outcomes: [...this.#outcomes],
      forgotten: this.#forgotten,
    };
  }

  #handle({ link, work }: QueuedWork): void {
    switch (work.kind) {
      case 'begin': {
        this.#answer(link, { t: 'standing', lastIndex: this.#ledger.lastIndex });
        return;
      }
      case 'replay': {
        this.#replay(link, work);
        return;
      }
      case 'decide': {
        this.#decide(link, work);
        return;
      }
    }
  }

  #replay(link: number, work: ReplayWork): void {
    if (work.prev !== this.#ledger.lastIndex) {
      this.#refuse(link, work, 'gap');
      return;
    }
    replay(this.#draft, work.effects);
    this.#ledger.advance(work.index);
    this.#replays.push({ link, prev: work.prev, index: work.index, effects: work.effects.length });
    this.#answer(link, { t: 'replayed', lastIndex: work.index });
  }

  #decide(link: number, work: DecideWork): void {
    const { index, prev, commands, skip } = work;
    // Before it is judged, as it may make the room that this very batch needs.
    if (index > this.#ledger.lastIndex) this.#settle(work.settled);
    const verdict = this.#ledger.judge(index, prev, commands.length);
    switch (verdict.kind) {
      case 'refused': {
        this.#refuse(link, work, verdict.why);
        return;
      }
      case 'recorded': {
        this.#decided(link, index, verdict.outcomes);
        return;
      }
      case 'new': {
        const outcomes = decide(this.#draft, index, commands, skip).map(outcomeToWire);
        this.#ledger.record(index, outcomes);
        this.#outcomes.set(index, outcomes);
        for (const [position, requestId] of work.traces) {
          this.#traced.push({ requestId, index, position, outcome: outcomes[position] ?? null });
        }
        this.#decided(link, index, outcomes);
        return;
      }
    }
  }

  #settle(upTo: number): void {
    for (const index of this.#ledger.settle(upTo)) {
      // What was decided in this very round is not on disk yet: it is left out of the write.
      if (!this.#outcomes.delete(index)) this.#forgotten.push(index);
    }
  }

  #decided(link: number, index: number, outcomes: readonly OutcomeWire[]): void {
    const growing = this.#growing.get(link);
    if (growing !== undefined && growing.count + outcomes.length <= FRAME_OUTCOMES_MAX) {
      growing.items.push([index, outcomes]);
      growing.count += outcomes.length;
      return;
    }
    const items: DecidedItem[] = [[index, outcomes]];
    this.#answer(link, { t: 'decided', items });
    this.#growing.set(link, { items, count: outcomes.length });
  }

  #refuse(link: number, work: DecideWork | ReplayWork, why: Refusal['why']): void {
    this.#refusals.push({ link, kind: work.kind, why, index: work.index, prev: work.prev });
    // A full ledger is told as a gap: beginning again is the right answer to both.
    const told = why === 'full' ? 'gap' : why;
    this.#answer(link, { t: 'refused', why: told, lastIndex: this.#ledger.lastIndex });
  }

  /** Any other frame ends the `decided` frame before it, so that a link's answers keep the order of its requests. */
  #answer(link: number, frame: CatalogToLeader): void {
    this.#growing.delete(link);
    this.#answers.push([link, frame]);
  }
}

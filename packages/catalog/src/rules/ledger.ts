/**
 * Which log indexes are decided, and what was decided until every book has it. This is what makes a decision happen
 * exactly once: an index at or below the last one is never decided again, an index that leaves a gap is never decided.
 */
import { TransientMap, assertRule, type OutcomeWire } from '@trireme/domain';

/**
 * Outcomes on record at most. A leader settles as it is answered, so that far fewer stand here; at the bound a new batch is refused
 * as a gap, and by the time the leader has begun again it brings a later settled index.
 */
const OUTCOMES_MAX = 1_000_000;

/** The outcomes of the batch at one log index, in their frame form. */
export type RecordedOutcomes = readonly [index: number, outcomes: readonly OutcomeWire[]];

/** Where a ledger stands; also what a store gives back when it is opened. */
export interface LedgerState {
  /** The last log index that was decided, 0 before the first. */
  readonly lastIndex: number;
  /** Everything up to here is in the book, and not on record any more. */
  readonly settled: number;
  /** In rising order of index. */
  readonly outcomes: Iterable<RecordedOutcomes>;
}

/** What to do with a batch that came in to be decided. */
type Verdict =
  | { readonly kind: 'new' }
  | { readonly kind: 'recorded'; readonly outcomes: readonly OutcomeWire[] }
  | { readonly kind: 'refused'; readonly why: 'gap' | 'settled' | 'full' };

/** The decided indexes. */
export class Ledger {
  readonly #recorded = new TransientMap<number, readonly OutcomeWire[]>();
  readonly #outcomesMax: number;
  #lastIndex: number;
  #settled: number;
  #count = 0;

  constructor(state: LedgerState, outcomesMax = OUTCOMES_MAX) {
    this.#outcomesMax = outcomesMax;
    this.#lastIndex = state.lastIndex;
    this.#settled = state.settled;
    for (const [index, outcomes] of state.outcomes) {
      assertRule(index <= state.lastIndex, `outcomes on record for index ${index} beyond the last decided`);
      this.#recorded.set(index, outcomes);
      this.#count += weight(outcomes);
    }
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  get settled(): number {
    return this.#settled;
  }

  /** Outcomes on record. */
  get count(): number {
    return this.#count;
  }

  /** What to do with the batch of `size` commands at `index`, the next one with commands after `prev`. */
  judge(index: number, prev: number, size: number): Verdict {
    if (index <= this.#lastIndex) {
      const outcomes = this.#recorded.get(index);
      return outcomes === undefined ? { kind: 'refused', why: 'settled' } : { kind: 'recorded', outcomes };
    }
    if (prev !== this.#lastIndex) return { kind: 'refused', why: 'gap' };
    if (this.#count + Math.max(1, size) > this.#outcomesMax) return { kind: 'refused', why: 'full' };
    return { kind: 'new' };
  }

  /** Records what was decided for a batch that `judge` called new. */
  record(index: number, outcomes: readonly OutcomeWire[]): void {
    this.advance(index);
    this.#recorded.set(index, outcomes);
    this.#count += weight(outcomes);
  }

  /** Passes over everything up to `index`: it was decided before, and its outcomes are in the book. */
  advance(index: number): void {
    assertRule(
      index > this.#lastIndex,
      `log index ${index} comes after ${this.#lastIndex}, or it is decided twice`,
    );
    this.#lastIndex = index;
  }

  /** Forgets the outcomes that are in the book. Returns the indexes that were forgotten. */
  settle(upTo: number): readonly number[] {
    if (upTo <= this.#settled) return [];
    this.#settled = upTo;
    const forgotten: number[] = [];
    for (const [index, outcomes] of this.#recorded) {
      if (index > upTo) break;
      this.#recorded.delete(index);
      this.#count -= weight(outcomes);
      forgotten.push(index);
    }
    return forgotten;
  }
}

/** A batch without commands still takes a place. */
function weight(outcomes: readonly OutcomeWire[]): number {
  return Math.max(1, outcomes.length);
}

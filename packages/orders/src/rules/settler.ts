/**
 * The leader's conversation with the catalog: finds out where the catalog stands, brings it up to the book, then has it
 * decide every pending batch in log order. Takes what happened, returns what to do. Made anew for each lead; each new
 * link begins the conversation anew, because the catalog behind it may have lost something.
 *
 *     begin -> standing -> (leader confirmed) -> attach, replay where it is behind -> decide, decide, ...
 */
import {
  assertRule,
  outcomeFromWire,
  outcomeToWire,
  type CatalogToLeader,
  type EffectWire,
  type LeaderToCatalog,
  type Outcome,
} from '@trireme/domain';
import { Fifo } from './fifo.js';
import { checkOutcomes } from './outcomes.js';
import type { BookMeta, PendingBatch } from './state.js';

export type SettlerAction =
  | { readonly do: 'send'; readonly frame: LeaderToCatalog }
  /** Confirm this leader by its majority, then call `confirmed` with the same `round`. */
  | { readonly do: 'confirm'; readonly round: number }
  /** Read the effects after log index `after` from the book, then call `effectsRead` with the same `round`. */
  | { readonly do: 'readEffects'; readonly round: number; readonly after: number }
  | { readonly do: 'decided'; readonly batch: PendingBatch; readonly outcomes: readonly Outcome[] }
  /** The catalog has decided up to log index `decided`, of a log whose last batch is at `logged`: it is not used. */
  | { readonly do: 'catalogAhead'; readonly decided: number; readonly logged: number };

/** Effects of settled batches, whole batches only, up to log index `index`. */
export interface Effects {
  readonly index: number;
  readonly effects: readonly EffectWire[];
}

/** Batches sent to the catalog and not yet answered at most; the rest wait here, in the book's pending table. */
const IN_FLIGHT_MAX = 64;
/** And bytes of them, but for one batch that is larger by itself: a link whose queue is full is closed. */
const IN_FLIGHT_BYTES_MAX = 8 * 1024 * 1024;

type Phase = 'unlinked' | 'asking' | 'confirming' | 'ahead' | 'replaying' | 'deciding';

interface Undecided {
  readonly batch: PendingBatch;
  /** What it decided on an earlier link; a catalog that decides it again must decide the same. */
  decided: readonly Outcome[] | null;
}

export class Settler {
  #phase: Phase = 'unlinked';
  /** Pending batches in the order of `seq`, which is dense: from `#oldestSeq`, the oldest that is not settled. */
  readonly #batches = new Fifo<Undecided>();
  #oldestSeq: number;
  /** The next one to send on this link. */
  #nextSeq: number;
  /** Batches that were sent on this link and are not answered, oldest first. */
  #inFlight: Undecided[] = [];
  #inFlightBytes = 0;
  #settledIndex: number;
  /** Log index of the last batch that is committed and applied. */
  #lastIndex: number;
  #catalogIndex = 0;
  /** The last batch that a catalog can have decided by this log: one of an earlier leader, or one that was sent from here. */
  #decidableIndex: number;
  /** Tells answers to what was asked in this conversation from those to an earlier one. */
  #round = 0;

  /**
   * @param book where the book stands
   * @param pending every batch that is not settled in it
   */
  constructor(book: Pick<BookMeta, 'settledIndex' | 'settledSeq'>, pending: readonly PendingBatch[]) {
    this.#settledIndex = book.settledIndex;
    this.#lastIndex = book.settledIndex;
    this.#oldestSeq = book.settledSeq + 1;
    this.#nextSeq = this.#oldestSeq;
    for (const batch of pending) this.#add(batch);
    this.#decidableIndex = this.#lastIndex;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** A link to the catalog is open. */
  linkOpened(): readonly SettlerAction[] {
    return this.#begin();
  }

  linkClosed(): void {
    this.#phase = 'unlinked';
  }

  #begin(): readonly SettlerAction[] {
    this.#phase = 'asking';
    this.#nextSeq = this.#oldestSeq;
    this.#inFlight = [];
    this.#inFlightBytes = 0;
    return [{ do: 'send', frame: { t: 'begin' } }];
  }

  #add(batch: PendingBatch): void {
    const seq = this.#oldestSeq + this.#batches.size;
    assertRule(batch.seq === seq, `batch ${batch.seq} is pending, ${seq} is the next`);
    this.#batches.push({ batch, decided: null });
    this.#lastIndex = batch.index;
  }

  /** A batch was committed and applied. */
  pending(batch: PendingBatch): readonly SettlerAction[] {
    this.#add(batch);
    return this.#phase === 'deciding' ? this.#decideMore() : [];
  }

  /** The oldest pending batch is in the book. */
  settled(index: number): void {
    const oldest = this.#batches.first;
    assertRule(oldest?.batch.index === index, `settled ${index}, oldest is ${String(oldest?.batch.index)}`);
    this.#batches.shift();
    this.#settledIndex = index;
    this.#oldestSeq += 1;
    this.#nextSeq = Math.max(this.#nextSeq, this.#oldestSeq);
  }

  /** The majority confirmed this leader after `confirm` was asked for, and the book has all that was committed. */
  confirmed(round: number): readonly SettlerAction[] {
    if (this.#phase !== 'confirming' || round !== this.#round) return [];
    const upTo = this.#lastIndex;
    if (this.#catalogIndex > this.#decidableIndex) {
      // Of another log, or the log is an old copy: an operator's mistake, and for an operator to undo.
      this.#phase = 'ahead';
      return [{ do: 'catalogAhead', decided: this.#catalogIndex, logged: this.#decidableIndex }];
    }
    return [{ do: 'send', frame: { t: 'attach', upTo } }, ...this.#catchUp()];
  }

  #catchUp(): readonly SettlerAction[] {
    if (this.#catalogIndex < this.#settledIndex) {
      this.#phase = 'replaying';
      this.#round += 1;
      return [{ do: 'readEffects', round: this.#round, after: this.#catalogIndex }];
    }
    this.#phase = 'deciding';
    return this.#decideMore();
  }

  /** What the book had after the catalog's index. */
  effectsRead(round: number, { index, effects }: Effects): readonly SettlerAction[] {
    if (this.#phase !== 'replaying' || round !== this.#round) return [];
    return [{ do: 'send', frame: { t: 'replay', prev: this.#catalogIndex, index, effects } }];
  }

  #decideMore(): readonly SettlerAction[] {
    const actions: SettlerAction[] = [];
    for (; this.#hasRoom; this.#nextSeq += 1) {
      const next = this.#batches.at(this.#nextSeq - this.#oldestSeq);
      if (next === undefined) break;
      const { index, prev, skip, bytes } = next.batch;
      // Decided on an earlier link, and the catalog still has it: nothing to ask.
      if (next.decided !== null && index <= this.#catalogIndex) continue;
      this.#decidableIndex = Math.max(this.#decidableIndex, index);
      this.#inFlight.push(next);
      this.#inFlightBytes += bytes.byteLength;
      const settled = this.#settledIndex;
      actions.push({ do: 'send', frame: { t: 'decide', index, prev, settled, skip, batch: bytes } });
    }
    return actions;
  }

  get #hasRoom(): boolean {
    if (this.#inFlight.length === 0) return true;
    return this.#inFlight.length < IN_FLIGHT_MAX && this.#inFlightBytes < IN_FLIGHT_BYTES_MAX;
  }

  /** Takes a frame from the catalog on the link that is open. */
  received(frame: CatalogToLeader): readonly SettlerAction[] {
    switch (frame.t) {
      case 'standing':
        if (this.#phase !== 'asking') return [];
        this.#phase = 'confirming';
        this.#catalogIndex = frame.lastIndex;
        // A confirmation that was asked for before the catalog said where it stands proves nothing about it.
        this.#round += 1;
        return [{ do: 'confirm', round: this.#round }];
      case 'replayed':
        if (this.#phase !== 'replaying') return [];
        this.#catalogIndex = frame.lastIndex;
        return this.#catchUp();
      case 'decided':
        if (this.#phase !== 'deciding') return [];
        return [
          ...frame.items.flatMap(([index, outcomes]) => this.#decided(index, outcomes.map(outcomeFromWire))),
          ...this.#decideMore(),
        ];
      case 'refused':
        // Someone else moved the catalog on, or it is not what it said: find out anew. Whatever else was in flight is
        // refused as well, and that has been heard already.
        return ['asking', 'unlinked', 'ahead'].includes(this.#phase) ? [] : this.#begin();
    }
  }

  #decided(index: number, outcomes: readonly Outcome[]): readonly SettlerAction[] {
    const asked = this.#inFlight.shift();
    assertRule(
      asked?.batch.index === index,
      `${index} is decided, but ${String(asked?.batch.index)} was asked`,
    );
    this.#inFlightBytes -= asked.batch.bytes.byteLength;
    this.#catalogIndex = Math.max(this.#catalogIndex, index);
    checkOutcomes(asked.batch, outcomes);
    if (asked.decided !== null) {
      assertRule(isSame(asked.decided, outcomes), `the catalog decided ${index} again, and otherwise`);
      return [];
    }
    asked.decided = outcomes;
    return [{ do: 'decided', batch: asked.batch, outcomes }];
  }
}

function isSame(a: readonly Outcome[], b: readonly Outcome[]): boolean {
  return (
    a.length === b.length &&
    a.every((outcome, i) => outcomeToWire(outcome) === outcomeToWire(b[i] ?? outcome))
  );
}

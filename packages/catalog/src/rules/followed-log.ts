/**
 * A catalog's copy of the log: the stock table as of the last visible entry, and the received entries that are not
 * visible yet. `CatalogRules` decides when entries are applied.
 */
import {
  assertInvariant,
  FormatError,
  outcomeToWire,
  type Command,
  type OutcomeWire,
  type RequestTrace,
} from '@trireme/domain';
import { decideBatch, EMPTY_HASH, nextHash, StockDraft, StockTable } from '@trireme/state-machine';
import type { StockSnapshot } from './snapshot.js';

/** Maximum number of received entries that are not visible. */
const ENTRIES_MAX = 65_536;

/** Maximum total size of their batches, in bytes. */
const ENTRY_BYTES_MAX = 64 * 1024 * 1024;

/** How far a log is applied. */
export interface AppliedPosition {
  /** Life of the cluster that the log belongs to; null before the first snapshot. */
  readonly life: string | null;
  /** Index of the last applied batch; a batch of skipped commands alone does not count. */
  readonly lastIndex: number;
  /** Hash of the log up to there: 64 hex digits. */
  readonly hash: string;
}

export interface ReceivedBatch {
  /** The encoded batch, as in the log. */
  readonly bytes: Uint8Array;
  readonly commands: readonly Command[];
  /** Commands whose requests are traced. */
  readonly traces: readonly RequestTrace[];
}

export interface ReceivedEntry {
  readonly index: number;
  /** Null if there is nothing to apply. */
  readonly batch: ReceivedBatch | null;
}

/** The outcome of a traced command. */
export interface TracedOutcome {
  readonly requestId: string;
  readonly index: number;
  readonly position: number;
  readonly outcome: OutcomeWire;
}

/** Positions of commands without effect, by the index of their batch. */
export type SkippedPositions = ReadonlyMap<number, ReadonlySet<number>>;

const NO_SKIP: ReadonlySet<number> = new Set();

export class FollowedLog {
  readonly #entriesMax: number;
  readonly #bytesMax: number;
  #table = new StockTable();
  #position: AppliedPosition = { life: null, lastIndex: 0, hash: EMPTY_HASH };
  /** In log order. */
  #entries: ReceivedEntry[] = [];
  #bytes = 0;

  constructor(entriesMax = ENTRIES_MAX, bytesMax = ENTRY_BYTES_MAX) {
    this.#entriesMax = entriesMax;
    this.#bytesMax = bytesMax;
  }

  get table(): StockTable {
    return this.#table;
  }

  get position(): AppliedPosition {
    return this.#position;
  }

  /**
   * Keeps an entry until it is visible.
   * @param entry an entry with a higher index than all before it
   * @returns false if a limit is reached; then the entry is not kept
   */
  receive(entry: ReceivedEntry): boolean {
    const bytes = entry.batch?.bytes.byteLength ?? 0;
    if (this.#entries.length >= this.#entriesMax || this.#bytes + bytes > this.#bytesMax) return false;
    this.#entries.push(entry);
    this.#bytes += bytes;
    return true;
  }

  /** Discards the entries that are not visible: the next leader's log may lack them. */
  discardReceived(): void {
    this.#entries = [];
    this.#bytes = 0;
  }

  /** @throws FormatError if a batch has no command at a position of `skips`. */
  checkSkips(skips: SkippedPositions): void {
    if (skips.size === 0) return;
    for (const { index, batch } of this.#entries) {
      const size = batch?.commands.length ?? 0;
      for (const position of skips.get(index) ?? NO_SKIP) {
        if (position >= size) throw new FormatError(`batch ${index} has no command at position ${position}`);
      }
    }
  }

  /** Compares the hash with the leader's at the same index. @throws InvariantError if they differ */
  checkHash(hash: string): void {
    assertSame(this.#position.lastIndex, this.#position.hash, hash);
  }

  /**
   * Applies the received entries up to `index`.
   * @param hash the leader's hash after the last of them
   * @returns the outcomes of the traced commands
   * @throws InvariantError if the hash differs from this catalog's; then nothing is applied
   */
  apply(index: number, skips: SkippedPositions, hash: string): readonly TracedOutcome[] {
    const draft = new StockDraft(this.#table);
    const traced: TracedOutcome[] = [];
    let { lastIndex, hash: own } = this.#position;
    let applied = 0;
    for (const entry of this.#entries) {
      if (entry.index > index) break;
      applied += 1;
      const skip = skips.get(entry.index) ?? NO_SKIP;
      // A batch in which every key was used before has no effect, and replicas do not hash it.
      if (entry.batch === null || entry.batch.commands.length === skip.size) continue;
      const { bytes, commands, traces } = entry.batch;
      const outcomes = decideBatch(draft, entry.index, commands, skip);
      lastIndex = entry.index;
      own = nextHash(own, bytes, outcomes);
      for (const [position, requestId] of traces) {
        const outcome = outcomes[position];
        if (outcome === undefined) continue;
        traced.push({ requestId, index: lastIndex, position, outcome: outcomeToWire(outcome) });
      }
    }
    assertSame(lastIndex, own, hash);
    this.#table.apply(draft.changes.values());
    this.#position = { ...this.#position, lastIndex, hash };
    for (const { batch } of this.#entries.splice(0, applied)) this.#bytes -= batch?.bytes.byteLength ?? 0;
    return traced;
  }

  /** Replaces the stock table with the leader's, and discards all received entries. */
  install({ life, lastIndex, hash, stocks }: StockSnapshot): void {
    this.#table = new StockTable(stocks);
    this.#position = { life, lastIndex, hash };
    this.discardReceived();
  }
}

function assertSame(lastIndex: number, own: string, leaders: string): void {
  assertInvariant(
    own === leaders,
    `log hash differs after batch ${lastIndex}: ${own} here, ${leaders} at the leader. Restart this catalog: ` +
      'it reloads the stock table. If it happens again, check that all processes run the same version',
  );
}

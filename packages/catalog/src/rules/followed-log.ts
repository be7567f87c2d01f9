/**
 * What a catalog knows of the log: the stock table as of the last visible entry, and the entries that were received and are
 * not visible yet. When to apply and what to answer is decided elsewhere.
 */
import {
  assertRule,
  FormatError,
  outcomeToWire,
  type Command,
  type OutcomeWire,
  type RequestTrace,
} from '@trireme/domain';
import { decide, EMPTY_HASH, nextHash, StockDraft, StockTable } from '@trireme/state-machine';
import type { Snapshot } from './snapshot.js';

/** Entries that are received and not visible, at most. */
const ENTRIES_MAX = 65_536;

/** Bytes of their batches, at most. */
const ENTRY_BYTES_MAX = 64 * 1024 * 1024;

/** How far a log is applied. */
export interface LogPosition {
  /** Life of the log, null before the first snapshot. */
  readonly life: string | null;
  /** Index of the last batch that made something. */
  readonly lastIndex: number;
  /** Hash of the log up to there: 64 hex digits. */
  readonly hash: string;
}

export interface ReceivedBatch {
  /** As the log has it. */
  readonly bytes: Uint8Array;
  readonly commands: readonly Command[];
  /** Commands whose requests are followed through the logs. */
  readonly traces: readonly RequestTrace[];
}

export interface ReceivedEntry {
  readonly index: number;
  /** Null where there is nothing to apply. */
  readonly batch: ReceivedBatch | null;
}

/** What was decided of a command whose request is followed. */
export interface TracedDecision {
  readonly requestId: string;
  readonly index: number;
  readonly position: number;
  readonly outcome: OutcomeWire;
}

/** Positions of commands that make nothing, by the index of their batch. */
export type Skips = ReadonlyMap<number, ReadonlySet<number>>;

const NO_SKIP: ReadonlySet<number> = new Set();

export class FollowedLog {
  readonly #entriesMax: number;
  readonly #bytesMax: number;
  #table = new StockTable();
  #position: LogPosition = { life: null, lastIndex: 0, hash: EMPTY_HASH };
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

  get position(): LogPosition {
    return this.#position;
  }

  /** Keeps an entry until it is visible. Returns false at the bound. @param entry of a higher index than those before */
  receive(entry: ReceivedEntry): boolean {
    const bytes = entry.batch?.bytes.byteLength ?? 0;
    if (this.#entries.length >= this.#entriesMax || this.#bytes + bytes > this.#bytesMax) return false;
    this.#entries.push(entry);
    this.#bytes += bytes;
    return true;
  }

  /** Forgets what is not visible: another leader's log may lack it. */
  forgetReceived(): void {
    this.#entries = [];
    this.#bytes = 0;
  }

  /** @throws FormatError if a position is not one of its batch. */
  checkSkips(skips: Skips): void {
    if (skips.size === 0) return;
    for (const { index, batch } of this.#entries) {
      const size = batch?.commands.length ?? 0;
      for (const position of skips.get(index) ?? NO_SKIP) {
        if (position >= size) throw new FormatError(`batch ${index} has no command at position ${position}`);
      }
    }
  }

  /** Compares the hash with what a leader has at the same place. @throws InvariantError if it is another one */
  checkHash(hash: string): void {
    assertSame(this.#position.lastIndex, this.#position.hash, hash);
  }

  /**
   * Applies the received entries up to `index`.
   * @param hash what the leader has after the last of them
   * @returns what was decided of the commands that are followed
   * @throws InvariantError if the hash is another one here; then nothing is applied
   */
  apply(index: number, skips: Skips, hash: string): readonly TracedDecision[] {
    const draft = new StockDraft(this.#table);
    const traced: TracedDecision[] = [];
    let { lastIndex, hash: own } = this.#position;
    let done = 0;
    for (const entry of this.#entries) {
      if (entry.index > index) break;
      done += 1;
      const skip = skips.get(entry.index) ?? NO_SKIP;
      // A batch of nothing but used keys makes nothing, and replicas do not count it.
      if (entry.batch === null || entry.batch.commands.length === skip.size) continue;
      const { bytes, commands, traces } = entry.batch;
      const outcomes = decide(draft, entry.index, commands, skip);
      lastIndex = entry.index;
      own = nextHash(own, bytes, outcomes);
      for (const [position, requestId] of traces) {
        const outcome = outcomes[position];
        if (outcome === undefined) continue;
        traced.push({ requestId, index: lastIndex, position, outcome: outcomeToWire(outcome) });
      }
    }
    assertSame(lastIndex, own, hash);
    this.#table.publish(draft.changed.values());
    this.#position = { ...this.#position, lastIndex, hash };
    for (const { batch } of this.#entries.splice(0, done)) this.#bytes -= batch?.bytes.byteLength ?? 0;
    return traced;
  }

  /** Takes the stock table of a leader in place of everything that is here. */
  install({ life, lastIndex, hash, stocks }: Snapshot): void {
    this.#table = new StockTable(stocks);
    this.#position = { life, lastIndex, hash };
    this.forgetReceived();
  }
}

function assertSame(lastIndex: number, own: string, leaders: string): void {
  assertRule(
    own === leaders,
    `the log up to batch ${lastIndex} has hash ${own} here and ${leaders} at the leader: start this catalog again, ` +
      'and it takes the stock table from the leader; if that repeats, check that all processes run the same version',
  );
}

/**
 * A process's disk for its log: bytes that survive crashes, and the faults that a disk can have. A batch is atomic: at
 * a crash the write under way is on disk wholly or not at all, whatever the caller was told.
 */
import { crc32 } from 'node:zlib';
import { decodeBase, encodeBase } from '#raft/core/base.js';
import { readEntry } from '#raft/core/entry.js';
import { RaftError } from '#raft/core/errors.js';
import { NO_BASE } from '#raft/core/log.js';
import type { Entry, HardState, LogBase, PersistBatch } from '#raft/core/types.js';
import type { Random } from '../engine/random.js';
import { MS, type Micros } from '../engine/scheduler.js';

/** How the disk behaves now; shared by all lives of a process, changed by faults. */
export interface DiskBehaviour {
  /** A sync takes from half of this to twice of it. */
  syncTime: Micros;
  /** Syncs begun now never end, until the disk is released. */
  hangs: boolean;
  /** The next sync fails. */
  failsNext: boolean;
}

export const HEALTHY_SYNC: Micros = MS;

/** What opening a disk found. */
interface DiskContent {
  readonly base: LogBase;
  readonly hardState: HardState;
  readonly entries: Entry[];
}

/** All but the entries, as JSON; the base as its bytes in hex. */
interface HardRecord {
  readonly hardState: HardState;
  readonly base: string;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

const CHECKSUM_BYTES = 4;

export class SimDisk {
  readonly behaviour: DiskBehaviour = { syncTime: HEALTHY_SYNC, hangs: false, failsNext: false };
  /** Whether a bit was flipped: from then on the disk must not open. */
  isDamaged = false;
  #hardState: HardState = { term: 0, vote: null };
  #base: LogBase = NO_BASE;
  #baseBytes = encodeBase(NO_BASE).toString('hex');
  /** Of the entries behind the base. */
  readonly #records: Uint8Array[] = [];
  readonly #terms: number[] = [];
  #hardRecord: Buffer = this.#sealed();

  get hardState(): HardState {
    return this.#hardState;
  }

  get base(): LogBase {
    return this.#base;
  }

  get lastIndex(): number {
    return this.#base.index + this.#terms.length;
  }

  /** Term of the entry at `index` as it was written, or of the base; 0 where there is none. */
  term(index: number): number {
    return index === this.#base.index ? this.#base.term : (this.#terms[index - this.#base.index - 1] ?? 0);
  }

  /** Makes the batch durable. */
  write({ base, hardState, entries }: PersistBatch): void {
    if (base !== undefined) {
      this.#begin(base);
      this.#keepBelow(base.index);
    }
    const first = entries[0];
    if (first !== undefined) {
      this.#keepBelow(first.index - 1);
      for (const entry of entries) {
        this.#records.push(entry.record);
        this.#terms.push(entry.term);
      }
    }
    if (hardState !== null) this.#hardState = hardState;
    this.#hardRecord = this.#sealed();
  }

  /** Drops what is up to `base`, as one write. */
  compact(base: LogBase): void {
    const gone = base.index - this.#base.index;
    this.#records.splice(0, gone);
    this.#terms.splice(0, gone);
    this.#begin(base);
    this.#hardRecord = this.#sealed();
  }

  #begin(base: LogBase): void {
    this.#base = base;
    this.#baseBytes = encodeBase(base).toString('hex');
  }

  #keepBelow(index: number): void {
    this.#records.length = index - this.#base.index;
    this.#terms.length = index - this.#base.index;
  }

  #sealed(): Buffer {
    const lastTerm = this.#terms.at(-1) ?? this.#base.term;
    return sealed({ hardState: this.#hardState, base: this.#baseBytes, lastIndex: this.lastIndex, lastTerm });
  }

  /** Flips one bit somewhere. What is flipped is a copy: entries on the way to others share their bytes. */
  flipBit(random: Random): void {
    const place = random.below(this.#records.length + 1);
    const bytes = Buffer.from(this.#records[place] ?? this.#hardRecord);
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    if (place < this.#records.length) this.#records[place] = bytes;
    else this.#hardRecord = bytes;
    this.isDamaged = true;
  }

  /**
   * Reads everything back from its bytes.
   * @throws RaftError `LOG_DAMAGED` if any checksum does not hold, or the log is not whole.
   */
  read(): DiskContent {
    const { hardState, base, lastIndex, lastTerm } = unsealed(this.#hardRecord);
    const entries = this.#records.map((record) => readEntry(record));
    entries.forEach((entry, place) => {
      const index = base.index + place + 1;
      if (entry.index !== index) damaged(`entry ${entry.index} in the place of ${index}`);
    });
    const last = entries.at(-1) ?? base;
    if (lastIndex !== last.index || lastTerm !== last.term) {
      damaged(`the log ends at ${last.index}, not at ${lastIndex}`);
    }
    return { base, hardState, entries };
  }
}

function sealed(record: HardRecord): Buffer {
  const body = Buffer.from(JSON.stringify(record));
  const bytes = Buffer.alloc(CHECKSUM_BYTES + body.length);
  bytes.writeUInt32BE(crc32(body), 0);
  bytes.set(body, CHECKSUM_BYTES);
  return bytes;
}

function unsealed(bytes: Buffer): Omit<HardRecord, 'base'> & { readonly base: LogBase } {
  const body = bytes.subarray(CHECKSUM_BYTES);
  if (bytes.readUInt32BE(0) !== crc32(body)) damaged('the hard state does not hold its checksum');
  const { base, ...rest } = JSON.parse(body.toString()) as HardRecord;
  return { ...rest, base: decodeBase(Buffer.from(base, 'hex')) };
}

function damaged(what: string): never {
  throw new RaftError('LOG_DAMAGED', `simulated disk: ${what}`);
}

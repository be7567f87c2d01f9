/**
 * The disk of a process for its log: bytes that survive crashes, with the faults of disks. Batches are atomic:
 * after a crash, the write in progress is on disk completely or not at all.
 */
import { crc32 } from 'node:zlib';
import {
  decodeBase,
  encodeBase,
  readEntry,
  RaftError,
  NO_BASE,
  type Entry,
  type HardState,
  type LogBase,
  type PersistBatch,
} from '@trireme/raft';
import type { Random } from '../engine/random.js';
import { MS, type Micros } from '../engine/scheduler.js';

/** Current behaviour of the disk. Shared by all instances of a process and changed by faults. */
export interface DiskBehaviour {
  /** A sync takes between 50 % and 200 % of this. */
  syncTime: Micros;
  /** Syncs that start now do not complete until the disk is released. */
  hangs: boolean;
  /** The next sync fails. */
  failsNext: boolean;
}

export const HEALTHY_SYNC: Micros = MS;

/** The contents of a disk. */
interface DiskContent {
  readonly base: LogBase;
  readonly hardState: HardState;
  readonly entries: Entry[];
}

/** Everything except the entries, as JSON. The base is encoded in hex. */
interface HardRecord {
  readonly hardState: HardState;
  readonly base: string;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

const CHECKSUM_BYTES = 4;

export class SimDisk {
  readonly behaviour: DiskBehaviour = { syncTime: HEALTHY_SYNC, hangs: false, failsNext: false };
  /** Whether a bit was flipped. A damaged disk must not open. */
  isDamaged = false;
  #hardState: HardState = { term: 0, vote: null };
  #base: LogBase = NO_BASE;
  #baseBytes = encodeBase(NO_BASE).toString('hex');
  /** Records and terms of the entries after the base. */
  readonly #records: Uint8Array[] = [];
  readonly #terms: number[] = [];
  #hardRecord: Buffer = this.#sealRecord();

  get hardState(): HardState {
    return this.#hardState;
  }

  get base(): LogBase {
    return this.#base;
  }

  get lastIndex(): number {
    return this.#base.index + this.#terms.length;
  }

  /** Term of the entry at `index` on disk, or of the base; 0 if there is no such entry. */
  term(index: number): number {
    return index === this.#base.index ? this.#base.term : (this.#terms[index - this.#base.index - 1] ?? 0);
  }

  /** Makes the batch durable. */
  write({ base, hardState, entries }: PersistBatch): void {
    if (base !== undefined) {
      this.#setBase(base);
      this.#truncateAfter(base.index);
    }
    const first = entries[0];
    if (first !== undefined) {
      this.#truncateAfter(first.index - 1);
      for (const entry of entries) {
        this.#records.push(entry.record);
        this.#terms.push(entry.term);
      }
    }
    if (hardState !== null) this.#hardState = hardState;
    this.#hardRecord = this.#sealRecord();
  }

  /** Drops the entries up to `base` in one atomic write. */
  compact(base: LogBase): void {
    const count = base.index - this.#base.index;
    this.#records.splice(0, count);
    this.#terms.splice(0, count);
    this.#setBase(base);
    this.#hardRecord = this.#sealRecord();
  }

  #setBase(base: LogBase): void {
    this.#base = base;
    this.#baseBytes = encodeBase(base).toString('hex');
  }

  #truncateAfter(index: number): void {
    this.#records.length = index - this.#base.index;
    this.#terms.length = index - this.#base.index;
  }

  #sealRecord(): Buffer {
    const lastTerm = this.#terms.at(-1) ?? this.#base.term;
    return sealed({ hardState: this.#hardState, base: this.#baseBytes, lastIndex: this.lastIndex, lastTerm });
  }

  /** Flips one random bit, in a copy: messages in flight share the bytes of entries. */
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
   * Decodes everything from its bytes.
   * @throws RaftError `LOG_DAMAGED` if a checksum is wrong or an entry is missing.
   */
  read(): DiskContent {
    const { hardState, base, lastIndex, lastTerm } = unsealed(this.#hardRecord);
    const entries = this.#records.map((record) => readEntry(record));
    entries.forEach((entry, place) => {
      const index = base.index + place + 1;
      if (entry.index !== index) damaged(`found entry ${entry.index} at index ${index}`);
    });
    const last = entries.at(-1) ?? base;
    if (lastIndex !== last.index || lastTerm !== last.term) {
      damaged(`the log ends at ${last.index} instead of ${lastIndex}`);
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
  if (bytes.readUInt32BE(0) !== crc32(body)) damaged('wrong checksum of the hard state');
  const { base, ...fields } = JSON.parse(body.toString()) as HardRecord;
  return { ...fields, base: decodeBase(Buffer.from(base, 'hex')) };
}

function damaged(what: string): never {
  throw new RaftError('LOG_DAMAGED', `simulated disk: ${what}`);
}

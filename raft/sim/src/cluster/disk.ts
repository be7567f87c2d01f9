/**
 * A process's disk for its log: bytes that survive crashes, and the faults that a disk can have. A batch is atomic: at
 * a crash the write under way is on disk wholly or not at all, whatever the caller was told.
 */
import { crc32 } from 'node:zlib';
import { readEntry } from '#raft/core/entry.js';
import { RaftError } from '#raft/core/errors.js';
import type { Entry, HardState, PersistBatch } from '#raft/core/types.js';
import type { Random } from '../engine/random.js';
import { MS, type Micros } from '../engine/scheduler.js';

/** How the disk behaves now; shared by all lives of a process, changed by faults. */
interface DiskBehaviour {
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
  readonly hardState: HardState;
  readonly entries: Entry[];
}

interface HardRecord extends HardState {
  readonly lastIndex: number;
  readonly lastTerm: number;
}

const CHECKSUM_BYTES = 4;

export class SimDisk {
  readonly behaviour: DiskBehaviour = { syncTime: HEALTHY_SYNC, hangs: false, failsNext: false };
  /** Whether a bit was flipped: from then on the disk must not open. */
  isDamaged = false;
  #hardRecord: Buffer = sealed({ term: 0, vote: null, lastIndex: 0, lastTerm: 0 });
  #hardState: HardState = { term: 0, vote: null };
  #records: Uint8Array[] = [];
  #terms: number[] = [];

  get hardState(): HardState {
    return this.#hardState;
  }

  get lastIndex(): number {
    return this.#terms.length;
  }

  /** Term of the entry at `index` as it was written; 0 where there is none. */
  term(index: number): number {
    return this.#terms[index - 1] ?? 0;
  }

  /** Makes the batch durable. */
  write({ hardState, entries }: PersistBatch): void {
    const first = entries[0];
    if (first !== undefined) {
      this.#records.length = first.index - 1;
      this.#terms.length = first.index - 1;
      for (const entry of entries) {
        this.#records.push(entry.record);
        this.#terms.push(entry.term);
      }
    }
    if (hardState !== null) this.#hardState = hardState;
    this.#hardRecord = sealed({
      ...this.#hardState,
      lastIndex: this.#terms.length,
      lastTerm: this.#terms.at(-1) ?? 0,
    });
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
    const { term, vote, lastIndex, lastTerm } = unsealed(this.#hardRecord);
    const entries = this.#records.map((record) => readEntry(record));
    entries.forEach((entry, place) => {
      if (entry.index !== place + 1) damaged(`entry ${entry.index} at place ${place + 1}`);
    });
    if (lastIndex !== entries.length || lastTerm !== (entries.at(-1)?.term ?? 0)) {
      damaged(`the log ends at ${entries.length}, not at ${lastIndex}`);
    }
    return { hardState: { term, vote }, entries };
  }
}

function sealed(record: HardRecord): Buffer {
  const body = Buffer.from(JSON.stringify([record.term, record.vote, record.lastIndex, record.lastTerm]));
  const bytes = Buffer.alloc(CHECKSUM_BYTES + body.length);
  bytes.writeUInt32BE(crc32(body), 0);
  bytes.set(body, CHECKSUM_BYTES);
  return bytes;
}

function unsealed(bytes: Buffer): HardRecord {
  const body = bytes.subarray(CHECKSUM_BYTES);
  if (bytes.readUInt32BE(0) !== crc32(body)) damaged('the hard state does not hold its checksum');
  const [term, vote, lastIndex, lastTerm] = JSON.parse(body.toString()) as [
    number,
    string | null,
    number,
    number,
  ];
  return { term, vote, lastIndex, lastTerm };
}

function damaged(what: string): never {
  throw new RaftError('LOG_DAMAGED', `simulated disk: ${what}`);
}

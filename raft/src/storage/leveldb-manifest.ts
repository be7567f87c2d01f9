/**
 * Reads LevelDB's MANIFEST: the live tables, and the first live write-ahead file. Files that it does not name
 * are leftovers of a crash and may be torn; the files that it names were synced before it was. Source:
 * LevelDB 1.20, db/version_edit.cc.
 */
import { ByteReader } from './byte-reader.js';

/** The tags of a version edit. */
const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE_NUMBER = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREV_LOG_NUMBER = 9;

export interface Manifest {
  /** Write-ahead files with smaller numbers are obsolete; 0 before the first one. */
  readonly logNumber: number;
  /** Upper bound of the sequence numbers in the tables. */
  readonly lastSequence: number;
  /** Size of each live table in bytes, by its number. */
  readonly tables: ReadonlyMap<number, number>;
}

/**
 * Applies the edits of a MANIFEST, and returns the resulting version.
 * @throws RangeError if an edit is malformed.
 */
export function readManifest(edits: readonly Buffer[]): Manifest {
  const tables = new Map<number, number>();
  let logNumber = 0;
  let lastSequence = 0;
  for (const edit of edits) {
    const reader = new ByteReader(edit);
    while (!reader.isAtEnd) {
      const tag = reader.readVarint();
      switch (tag) {
        case LOG_NUMBER:
          logNumber = reader.readVarint();
          break;
        case LAST_SEQUENCE:
          lastSequence = reader.readVarint();
          break;
        case NEXT_FILE_NUMBER:
        case PREV_LOG_NUMBER:
          reader.readVarint();
          break;
        case COMPARATOR:
          reader.slice();
          break;
        case COMPACT_POINTER:
          reader.readVarint();
          reader.slice();
          break;
        case DELETED_FILE:
          reader.readVarint();
          tables.delete(reader.readVarint());
          break;
        case NEW_FILE:
          readNewFile(reader, tables);
          break;
        default:
          throw new RangeError(`unknown tag ${tag} in a version edit`);
      }
    }
  }
  return { logNumber, lastSequence, tables };
}

function readNewFile(reader: ByteReader, tables: Map<number, number>): void {
  reader.readVarint();
  const number = reader.readVarint();
  tables.set(number, reader.readVarint());
  reader.slice();
  reader.slice();
}

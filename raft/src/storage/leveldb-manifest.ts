/**
 * Reads what LevelDB's MANIFEST says of the other files: which tables are live, and from which write-ahead file on
 * the log counts. Files that it does not name are leftovers of a crash and may be torn; those that it names
 * were synced before it was. Source: LevelDB 1.20, db/version_edit.cc.
 */
import { ByteReader } from './byte-reader.js';

/** Tags of a version edit. */
const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE_NUMBER = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREV_LOG_NUMBER = 9;

export interface Manifest {
  /** Write-ahead files with smaller numbers are obsolete. 0 before the first one. */
  readonly logNumber: number;
  /** The last write that is in the tables has at most this number. */
  readonly lastSequence: number;
  /** Size in bytes of each live table, by its number. */
  readonly tables: ReadonlyMap<number, number>;
}

/**
 * Folds the edits of a MANIFEST into its last version.
 * @throws RangeError if an edit is not in LevelDB's form.
 */
export function readManifest(edits: readonly Buffer[]): Manifest {
  const tables = new Map<number, number>();
  let logNumber = 0;
  let lastSequence = 0;
  for (const edit of edits) {
    const reader = new ByteReader(edit);
    while (!reader.done) {
      const tag = reader.varint();
      switch (tag) {
        case LOG_NUMBER:
          logNumber = reader.varint();
          break;
        case LAST_SEQUENCE:
          lastSequence = reader.varint();
          break;
        case NEXT_FILE_NUMBER:
        case PREV_LOG_NUMBER:
          reader.varint();
          break;
        case COMPARATOR:
          reader.slice();
          break;
        case COMPACT_POINTER:
          reader.varint();
          reader.slice();
          break;
        case DELETED_FILE:
          reader.varint();
          tables.delete(reader.varint());
          break;
        case NEW_FILE:
          readNewFile(reader, tables);
          break;
        default:
          throw new RangeError(`version edit has the unknown tag ${tag}`);
      }
    }
  }
  return { logNumber, lastSequence, tables };
}

function readNewFile(reader: ByteReader, tables: Map<number, number>): void {
  reader.varint();
  const number = reader.varint();
  tables.set(number, reader.varint());
  reader.slice();
  reader.slice();
}

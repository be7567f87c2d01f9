/**
 * The log in LevelDB, tools that examine such a log without changing it, and helpers for a program that keeps another
 * LevelDB beside the log.
 */
export { examineLog, type LogOwner, type LogReport } from './storage/examine/examine-log.js';
export { withStoppedLog, type StoppedEntry, type StoppedLog } from './storage/examine/read-log.js';
export { NumberRanges, type NumberRange } from './storage/examine/ranges.js';
export { withScratchCopy, withStoreLock } from './storage/examine/scratch.js';
export { LevelLog } from './storage/level-log.js';
export { repairUnsyncedFolder } from './storage/leveldb-folder.js';
export {
  inspectFolder,
  type FolderFlaw,
  type FolderReport,
  type UnreliableTail,
} from './storage/leveldb-inspect.js';
export type { LevelLogOptions } from './storage/open-store.js';
export { staggeredSize } from './storage/staggered-size.js';
export { toStorageError } from './storage/storage-error.js';

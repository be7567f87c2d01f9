/** Examining what lies on disk, for tools: nothing here changes it. */
export { inspectFolder, type FolderFlaw, type FolderReport, type WalBreak } from '../leveldb-inspect.js';
export { examineLog, type LogExamination, type LogOwner } from './examine-log.js';
export { Ranges, type Range } from './ranges.js';
export { withLock, withScratch } from './scratch.js';

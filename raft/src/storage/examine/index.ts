/** Read-only examination of stores on disk, for tools. */
export {
  inspectFolder,
  type FolderFlaw,
  type FolderReport,
  type UnreliableTail,
} from '../leveldb-inspect.js';
export { examineLog, type LogReport, type LogOwner } from './examine-log.js';
export { NumberRanges, type NumberRange } from './ranges.js';
export { withStoreLock, withScratchCopy } from './scratch.js';

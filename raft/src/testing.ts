/**
 * Conformance suites for your own `LogStorage` and `Transport`. They register tests by a function that you pass, such as
 * `test` of `node:test` or of uvu, and use `node:assert`.
 */
export { logStorageConformance, type LogStorageConformanceOptions } from './storage/conformance.js';
export { assertFailsWith, makeEntries, type StorageFixture } from './storage/conformance-tools.js';
export {
  RecordingHandler,
  heartbeat,
  transportConformance,
  transportSnapshotConformance,
  type TransportConformanceOptions,
  type TransportPair,
} from './transport/conformance.js';

/** The part of the front-end that the whole-system simulator runs: everything except HTTP. */
export { createBackends, type Backends } from './backends/backends.js';
export { NO_RESULT } from './backends/retry.js';
export type { FinalResult, NoResultReason } from './rules/results.js';

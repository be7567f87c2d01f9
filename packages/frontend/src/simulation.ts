/** What the simulator of the whole system runs of the front-end: everything but HTTP. */
export { connectBackends, type Backends } from './backends.js';
export { NO_RESULT } from './retry.js';
export type { Decided, Undecided } from './rules/results.js';

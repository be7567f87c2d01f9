/** A worker process: runs the seeds that it receives, one after another, and sends back each result. */
import { simulate } from '../simulate.js';
import type { SeedTask } from './pool.js';

// Refusals are frequent, and nothing reads their stacks.
Error.stackTraceLimit = 0;

process.on('message', (task) => {
  void simulate(task as SeedTask).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());

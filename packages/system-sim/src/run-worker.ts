/** A worker process: runs the seeds that it receives, one after another, and sends back each result. */
import type { SeedTask } from '@trireme/raft-sim';
import { simulate } from './simulate.js';

// Refusals are frequent, and their stacks are rarely read.
Error.stackTraceLimit = 4;

process.on('message', (task) => {
  void simulate(task as SeedTask).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());

/** A worker process: runs the seeds that it is sent, one after another, and answers with what came of each. */
import type { Task } from '@trireme/raft/sim';
import { simulate } from './simulate.js';

// Refusals are everyday answers here, and their stacks are never looked at.
Error.stackTraceLimit = 4;

process.on('message', (task) => {
  void simulate(task as Task).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());

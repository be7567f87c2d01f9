/** `npm run sim:system`: the whole system under faults. */
import { fileURLToPath } from 'node:url';
import { runCommand } from '@trireme/raft/sim';
import { crashedRun } from './crashed-run.js';
import { simulate } from './simulate.js';
import { Totals } from './totals.js';

await runCommand({
  name: 'npm run sim:system',
  what: 'Runs the whole system, clients included, on a virtual clock, network and disks under faults that each seed draws.',
  exampleSeeds: 2000,
  seconds: 5,
  progressMs: 5_000,
  worker: fileURLToPath(new URL('run-worker.js', import.meta.url)),
  simulate,
  crashed: crashedRun,
  totals: new Totals(),
});

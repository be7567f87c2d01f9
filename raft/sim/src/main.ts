/** `npm run sim`: Raft clusters under faults. */
import { fileURLToPath } from 'node:url';
import { runSimulatorCommand } from './run/command.js';
import { resultOfCrash } from './run/crashed.js';
import { RunTotals } from './run/totals.js';
import { simulate } from './simulate.js';

await runSimulatorCommand({
  name: 'npm run sim',
  what: 'Runs Raft clusters on a virtual clock, network and disks under faults that each seed draws.',
  exampleSeeds: 5000,
  seconds: 60,
  progressMs: 2_000,
  worker: fileURLToPath(new URL('run/worker.js', import.meta.url)),
  simulate,
  crashed: resultOfCrash,
  totals: new RunTotals(),
});

/** `npm run sim:system`: runs the whole system under faults; with `planted` as its first argument, plants bugs. */
import { fileURLToPath } from 'node:url';
import { runSimulatorCommand } from '@trireme/raft-sim';
import { runPlantedBugs } from './planted/command.js';
import { crashedRun, simulate } from './simulate.js';
import { SystemTotals } from './totals.js';

const [word, ...args] = process.argv.slice(2);
if (word === 'planted') {
  await runPlantedBugs(args);
} else {
  await runSimulatorCommand({
    name: 'npm run sim:system',
    what: 'Runs the whole system, including clients, on a virtual clock, network and disks under faults that each seed draws.',
    exampleSeeds: 2000,
    seconds: 5,
    progressMs: 5_000,
    worker: fileURLToPath(new URL('run-worker.js', import.meta.url)),
    simulate,
    crashed: crashedRun,
    totals: new SystemTotals(),
  });
}

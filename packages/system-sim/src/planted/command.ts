/** `npm run sim:system -- planted`: plants each bug of both tables separately, and counts the seeds until a check finds it. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import {
  MUTATIONS,
  createMutant,
  resultOfCrash as crashedRaftRun,
  runMutations,
  type Mutant,
  type Mutation,
} from '@trireme/raft-sim';
import { crashedRun } from '../simulate.js';
import { PLANTED_BUGS } from './bugs.js';

const HELP = `Usage: npm run sim:system -- planted [--of raft,system] [--tries 3] [--limit 1000] [--seconds N] [--jobs N] [--only words]

Plants each bug of the tables in a copy of the compiled code, and runs seeds until a check finds it.
  --of       tables to run: raft (bugs of the library) and system (bugs of order path, catalogs and cache);
             default raft,system
  --tries    number of series of seeds for each bug; the table shows the median (default 3)
  --limit    maximum number of seeds in a series (default 1000)
  --seconds  virtual seconds with faults in each run (default 60 for raft, 3 for system)
  --jobs     number of worker processes (default: one per core)
  --only     plant only the bugs whose name contains these words`;

/** The packages that a run of the system needs. */
const PACKAGES: readonly string[] = [
  'raft',
  'raft/sim',
  ...[
    'catalog',
    'coherence',
    'domain',
    'faults',
    'frontend',
    'orders',
    'service',
    'state-machine',
    'system-sim',
  ].map((name) => `packages/${name}`),
];

/** Runs the command. Sets exit code 1 if a bug is not found. */
export async function runPlantedBugs(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      of: { type: 'string', default: 'raft,system' },
      tries: { type: 'string', default: '3' },
      limit: { type: 'string', default: '1000' },
      seconds: { type: 'string' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const isNamed = ({ name }: { readonly name: string }): boolean => name.includes(values.only);
  const common = { tries: Number(values.tries), limit: Number(values.limit), jobs: Number(values.jobs) };
  let missed = 0;
  if (values.of.includes('raft')) {
    missed += await runMutations({
      mutations: MUTATIONS.filter(isNamed),
      plant: createMutant,
      crashed: crashedRaftRun,
      ...common,
      seconds: Number(values.seconds ?? 60),
    });
  }
  if (values.of.includes('system')) {
    missed += await runMutations({
      mutations: PLANTED_BUGS.filter(isNamed),
      plant: createSystemMutant,
      crashed: crashedRun,
      ...common,
      seconds: Number(values.seconds ?? 3),
    });
  }
  console.log(missed === 0 ? '\nall planted bugs found' : `\n${missed} planted bugs not found`);
  process.exitCode = missed === 0 ? 0 : 1;
}

/** Makes a copy of the compiled system and its simulator with one planted bug, in a temporary folder. */
export function createSystemMutant(mutation: Mutation): Mutant {
  return createMutant(mutation, {
    packages: PACKAGES,
    worker: 'packages/system-sim/dist/run-worker.js',
  });
}

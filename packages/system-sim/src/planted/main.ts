/** `npm run sim:planted`: plants each bug of both tables by itself, and says how many seeds it takes to find it. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { RAFT_BUGS, crashedRun as crashedRaftRun, huntAll, plant as plantInRaft } from '@trireme/raft/sim';
import { crashedRun } from '../crashed-run.js';
import { PLANTED_BUGS } from './bugs.js';
import { plant } from './mutant.js';

const { values } = parseArgs({
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

const HELP = `Usage: npm run sim:planted -- [--of raft,system] [--tries 3] [--limit 1000] [--seconds N] [--jobs N] [--only words]

Plants each bug of the tables in a copy of the compiled code and runs seeds until a check finds it.
  --of       raft: bugs of the library, found by its own simulator; system: those of order path, catalogs and cache
  --tries    series of seeds for each bug; the table shows the median
  --limit    seeds in a series at most
  --seconds  virtual seconds with faults in each run: 60 for raft and 3 for system unless set
  --only     plants only the bugs whose name holds these words`;

if (values.help) {
  console.log(HELP);
} else {
  const isNamed = ({ name }: { readonly name: string }): boolean => name.includes(values.only);
  const common = { tries: Number(values.tries), limit: Number(values.limit), jobs: Number(values.jobs) };
  let missed = 0;
  if (values.of.includes('raft')) {
    missed += await huntAll({
      ...{ mutations: RAFT_BUGS.filter(isNamed), plant: plantInRaft, crashed: crashedRaftRun },
      ...{ ...common, seconds: Number(values.seconds ?? 60) },
    });
  }
  if (values.of.includes('system')) {
    missed += await huntAll({
      ...{ mutations: PLANTED_BUGS.filter(isNamed), plant, crashed: crashedRun },
      ...{ ...common, seconds: Number(values.seconds ?? 3) },
    });
  }
  console.log(missed === 0 ? '\nall found' : `\n${missed} not found`);
  process.exitCode = missed === 0 ? 0 : 1;
}

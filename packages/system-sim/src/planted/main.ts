/** Plants each bug of the system's table by itself, and says how many seeds it takes to find it. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { huntAll } from '@trireme/raft/sim';
import { crashedRun } from '../crashed-run.js';
import { PLANTED_BUGS } from './bugs.js';
import { plant } from './mutant.js';

const { values } = parseArgs({
  options: {
    tries: { type: 'string', default: '3' },
    limit: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '5' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const HELP = `Usage: npm run sim:system:planted -- [--tries 3] [--limit 200] [--seconds 5] [--jobs N] [--only words]

Plants each bug of the table in a copy of the compiled code and runs seeds until a check finds it.
  --tries    series of seeds for each bug; the table shows the median
  --limit    seeds in a series at most
  --only     plants only the bugs whose name holds these words`;

if (values.help) {
  console.log(HELP);
} else {
  const missed = await huntAll({
    mutations: PLANTED_BUGS.filter(({ name }) => name.includes(values.only)),
    plant,
    tries: Number(values.tries),
    limit: Number(values.limit),
    seconds: Number(values.seconds),
    jobs: Number(values.jobs),
    crashed: crashedRun,
  });
  console.log(missed === 0 ? '\nall found' : `\n${missed} not found`);
  process.exitCode = missed === 0 ? 0 : 1;
}

/** The everyday scenarios: one for each kind of fault. `npm run faults` plays all scenarios. */
import { runEverydaySuite } from './scenario-suite.js';
import { SCENARIOS } from './scenarios/index.js';

runEverydaySuite('everyday scenarios', SCENARIOS);

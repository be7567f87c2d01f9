/** Everyday scenarios in which processes crash or pause under load. */
import { runEverydaySuite } from './scenario-suite.js';
import { CRASHES } from './scenarios/crashes.js';
import { PAUSES } from './scenarios/pauses.js';

runEverydaySuite('processes', [...CRASHES, ...PAUSES]);

/** Everyday scenarios in which services are cut off from each other, or clocks are wrong, under load. */
import { runEverydaySuite } from './scenario-suite.js';
import { SERVICES } from './scenarios/services.js';
import { CLOCKS_AND_LIMITS } from './scenarios/clocks-and-limits.js';

runEverydaySuite('services', [...SERVICES, ...CLOCKS_AND_LIMITS]);

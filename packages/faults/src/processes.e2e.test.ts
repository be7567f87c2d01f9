/** Processes die and stop under load, and every promise is kept. */
import { playEveryday } from './play-suite.js';
import { CRASHES } from './scenarios/crashes.js';
import { PAUSES } from './scenarios/pauses.js';

playEveryday('processes', [...CRASHES, ...PAUSES]);

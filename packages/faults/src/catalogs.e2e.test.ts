/** Everyday scenarios in which catalogs fail under load. */
import { runEverydaySuite } from './scenario-suite.js';
import { CATALOGS } from './scenarios/catalogs.js';

runEverydaySuite('catalogs', CATALOGS);

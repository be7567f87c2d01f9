/** Everyday scenarios in which links fail under load. */
import { runEverydaySuite } from './scenario-suite.js';
import { HOSTS } from './scenarios/hosts.js';
import { PARTITIONS } from './scenarios/partitions.js';

runEverydaySuite('links', [...PARTITIONS, ...HOSTS]);

/** Everyday scenarios in which disks fail, fill up or lose data under load. */
import { runEverydaySuite } from './scenario-suite.js';
import { DISKS } from './scenarios/disks.js';
import { STORAGE } from './scenarios/storage.js';

runEverydaySuite('disks', [...STORAGE, ...DISKS]);

/** Processes die, stop and lose their disks under load, and every promise is kept. */
import { playEveryday } from './play-suite.js';
import { CRASHES } from './scenarios/crashes.js';
import { DISKS } from './scenarios/disks.js';
import { PAUSES } from './scenarios/pauses.js';
import { STORAGE } from './scenarios/storage.js';

playEveryday('processes', [...CRASHES, ...PAUSES, ...STORAGE, ...DISKS]);

/** Disks fail, fill up and lose data under load, and every promise is kept. */
import { playEveryday } from './play-suite.js';
import { DISKS } from './scenarios/disks.js';
import { STORAGE } from './scenarios/storage.js';

playEveryday('disks', [...STORAGE, ...DISKS]);

/** Links go wrong under load, and every promise is kept. */
import { playEveryday } from './play-suite.js';
import { HOSTS } from './scenarios/hosts.js';
import { PARTITIONS } from './scenarios/partitions.js';

playEveryday('links', [...PARTITIONS, ...HOSTS]);

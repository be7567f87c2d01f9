/** Links and clocks go wrong under load, and every promise is kept. */
import { playEveryday } from './play-suite.js';
import { HOSTS } from './scenarios/hosts.js';
import { PARTITIONS } from './scenarios/partitions.js';
import { SERVICES } from './scenarios/services.js';
import { SURROUNDINGS } from './scenarios/surroundings.js';

playEveryday('links', [...PARTITIONS, ...HOSTS, ...SERVICES, ...SURROUNDINGS]);

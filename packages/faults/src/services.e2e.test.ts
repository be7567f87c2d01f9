/** Services lose sight of each other and clocks go wrong under load, and every promise is kept. */
import { playEveryday } from './play-suite.js';
import { SERVICES } from './scenarios/services.js';
import { SURROUNDINGS } from './scenarios/surroundings.js';

playEveryday('services', [...SERVICES, ...SURROUNDINGS]);

/** Catalogs are lost under load, and every promise is kept. */
import { playEveryday } from './play-suite.js';
import { CATALOGS } from './scenarios/catalogs.js';

playEveryday('catalogs', CATALOGS);

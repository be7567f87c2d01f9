/** All scenarios, in the order in which they run. */
import type { Scenario } from '../run/scenario.js';
import { CATALOGS } from './catalogs.js';
import { HARMFUL_CLIENTS } from './harmful-clients.js';
import { COMPACTION } from './compaction.js';
import { CRASHES } from './crashes.js';
import { CREDENTIALS } from './credentials.js';
import { DISKS } from './disks.js';
import { HOSTS } from './hosts.js';
import { MEMBERS } from './members.js';
import { PARTITIONS } from './partitions.js';
import { PAUSES } from './pauses.js';
import { SERVICES } from './services.js';
import { STORAGE } from './storage.js';
import { CLOCKS_AND_LIMITS } from './clocks-and-limits.js';

export const SCENARIOS: readonly Scenario[] = [
  ...CRASHES,
  ...PAUSES,
  ...PARTITIONS,
  ...HOSTS,
  ...SERVICES,
  ...CATALOGS,
  ...HARMFUL_CLIENTS,
  ...STORAGE,
  ...COMPACTION,
  ...MEMBERS,
  ...CREDENTIALS,
  ...DISKS,
  ...CLOCKS_AND_LIMITS,
];

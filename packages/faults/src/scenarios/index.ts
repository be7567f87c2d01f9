/** Every scenario, in the order in which they are played. */
import type { Scenario } from '../run/scenario.js';
import { CATALOGS } from './catalogs.js';
import { CLIENTS_THAT_HURT } from './clients.js';
import { COMPACTION } from './compaction.js';
import { CRASHES } from './crashes.js';
import { DISKS } from './disks.js';
import { HOSTS } from './hosts.js';
import { MEMBERS } from './members.js';
import { PARTITIONS } from './partitions.js';
import { PAUSES } from './pauses.js';
import { SERVICES } from './services.js';
import { STORAGE } from './storage.js';
import { SURROUNDINGS } from './surroundings.js';

export const SCENARIOS: readonly Scenario[] = [
  ...CRASHES,
  ...PAUSES,
  ...PARTITIONS,
  ...HOSTS,
  ...SERVICES,
  ...CATALOGS,
  ...CLIENTS_THAT_HURT,
  ...STORAGE,
  ...COMPACTION,
  ...MEMBERS,
  ...DISKS,
  ...SURROUNDINGS,
];

/** The table of all planted bugs. */
import type { Mutation } from './mutation.js';
import { ELECTIONS } from './rows/elections.js';
import { MEMBERSHIP } from './rows/membership.js';
import { READS } from './rows/reads.js';
import { REPLICATION } from './rows/replication.js';
import { SNAPSHOTS } from './rows/snapshots.js';

export const MUTATIONS: readonly Mutation[] = [
  ...ELECTIONS,
  ...REPLICATION,
  ...READS,
  ...SNAPSHOTS,
  ...MEMBERSHIP,
];

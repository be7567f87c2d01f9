/** The scenarios that are searched, each to its end. Together they cover every kind of fault with every part of the cast. */
import type { Bounds, PlannedEntry, Scenario } from './scenario.js';

const BOUNDS: Bounds = {
  elections: 1,
  leaderCrashes: 0,
  catalogBreaks: 0,
  frontendBreaks: 0,
  catalogRestarts: 0,
  leaderReads: 0,
  ticks: 2,
  authorityRequests: 1,
  leaseRequests: 1,
  lookUps: 1,
};

const A: PlannedEntry = { name: 'a', stocks: ['x'] };
const B: PlannedEntry = { name: 'b', stocks: ['x'] };
const ADD: PlannedEntry = { name: 'add C2', stocks: [], catalogs: ['C2'] };
const REMOVE: PlannedEntry = { name: 'remove C2', stocks: [], catalogs: [] };

/** One catalog with one front-end and one stock, two leaders that log one entry each. */
const SMALL: Scenario = {
  name: 'two leaders',
  stocks: ['x'],
  catalogs: ['C1'],
  initialSet: ['C1'],
  frontends: 1,
  plans: [[A], [B]],
  authorityTicks: 1,
  leaseTicks: 3,
  bounds: BOUNDS,
};

export const SCENARIOS: readonly Scenario[] = [
  SMALL,
  { ...SMALL, name: 'two entries', plans: [[A, B], []], bounds: { ...BOUNDS, elections: 0, lookUps: 2 } },
  {
    ...SMALL,
    name: 'lapses',
    plans: [[A], []],
    bounds: { ...BOUNDS, elections: 0, ticks: 4, authorityRequests: 2, leaseRequests: 1 },
  },
  { ...SMALL, name: 'broken links', bounds: { ...BOUNDS, catalogBreaks: 1, frontendBreaks: 1 } },
  { ...SMALL, name: 'catalog restarts', bounds: { ...BOUNDS, leaderCrashes: 1, catalogRestarts: 1 } },
  { ...SMALL, name: 'reads at leaders', bounds: { ...BOUNDS, leaderReads: 1 } },
  { ...SMALL, name: 'catalog added', catalogs: ['C2'], initialSet: [], frontends: 0, plans: [[ADD], [A]] },
  {
    ...SMALL,
    name: 'catalog removed',
    catalogs: ['C2'],
    initialSet: ['C2'],
    plans: [[REMOVE], [A]],
    bounds: { ...BOUNDS, ticks: 3 },
  },
  {
    ...SMALL,
    name: 'full cast',
    stocks: ['x', 'y'],
    catalogs: ['C1', 'C2'],
    initialSet: ['C1', 'C2'],
    frontends: 2,
    plans: [[A, { name: 'b', stocks: ['y'] }], [{ name: 'c', stocks: ['x', 'y'] }]],
    bounds: { ...BOUNDS, ticks: 1, leaseRequests: 0, lookUps: 0 },
  },
];

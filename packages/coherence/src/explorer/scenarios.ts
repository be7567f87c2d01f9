/**
 * The scenarios, each of which is searched completely. Together they cover every kind of fault of every kind of
 * process.
 */
import type { StepBounds, PlannedEntry, ExplorerScenario } from './scenario.js';

const BOUNDS: StepBounds = {
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
  lists: 0,
};

/** The empty entry that a Raft leader logs when it is elected. */
const FIRST_1: PlannedEntry = { name: 'first of leader 1', stocks: [] };
const FIRST_2: PlannedEntry = { name: 'first of leader 2', stocks: [] };
const A: PlannedEntry = { name: 'a', stocks: ['x'] };
const B: PlannedEntry = { name: 'b', stocks: ['x'] };
const C: PlannedEntry = { name: 'c', stocks: ['y'] };
const D: PlannedEntry = { name: 'd', stocks: ['y'] };
const ADD: PlannedEntry = { name: 'add C2', stocks: [], catalogs: ['C2'] };
const REMOVE: PlannedEntry = { name: 'remove C2', stocks: [], catalogs: [] };

/** One catalog, one front-end, one stock, and two leaders that log one entry each. */
const SMALL: ExplorerScenario = {
  name: 'two leaders, look-ups',
  stocks: ['x'],
  catalogs: ['C1'],
  initialSet: ['C1'],
  frontends: 1,
  plans: [
    [FIRST_1, A],
    [FIRST_2, B],
  ],
  startsWithAuthority: true,
  inherited: [],
  rivalLog: null,
  isHalfOpen: false,
  hasLateMessages: false,
  isSymmetric: false,
  authorityTicks: 1,
  leaseTicks: 3,
  bounds: BOUNDS,
};

/**
 * The base of scenarios with faults. The first entry of leader 2 names a stock, which is harder than an empty
 * one.
 */
const FAULTS: ExplorerScenario = {
  ...SMALL,
  name: 'two leaders',
  plans: [[FIRST_1, A], [B]],
  bounds: { ...BOUNDS, lookUps: 0 },
};

export const SCENARIOS: readonly ExplorerScenario[] = [
  FAULTS,
  SMALL,
  {
    ...SMALL,
    name: 'two entries',
    plans: [[FIRST_1, A, B], []],
    bounds: { ...BOUNDS, elections: 0, lookUps: 2 },
  },
  {
    ...SMALL,
    name: 'lists',
    bounds: { ...BOUNDS, lookUps: 0, lists: 1 },
  },
  {
    ...SMALL,
    name: 'lists of two stocks',
    stocks: ['x', 'y'],
    plans: [[FIRST_1, A, C], []],
    bounds: { ...BOUNDS, elections: 0, lookUps: 0, lists: 2 },
  },
  {
    ...SMALL,
    name: 'authority expires',
    plans: [[FIRST_1, A], []],
    bounds: { ...BOUNDS, elections: 0, ticks: 4, authorityRequests: 2 },
  },
  {
    ...FAULTS,
    name: 'longer authority',
    authorityTicks: 2,
    leaseTicks: 1,
    bounds: { ...BOUNDS, ticks: 3, leaseRequests: 0 },
  },
  {
    ...FAULTS,
    name: 'broken links',
    bounds: { ...FAULTS.bounds, catalogBreaks: 1, frontendBreaks: 1 },
  },
  {
    ...FAULTS,
    name: 'half-open links',
    isHalfOpen: true,
    bounds: { ...FAULTS.bounds, catalogBreaks: 1, leaseRequests: 0 },
  },
  {
    ...FAULTS,
    name: 'late messages',
    stocks: ['x', 'y'],
    plans: [
      [FIRST_1, C, D],
      [FIRST_2, B],
    ],
    hasLateMessages: true,
    bounds: { ...FAULTS.bounds, ticks: 1, leaseRequests: 0, authorityRequests: 0 },
  },
  {
    ...SMALL,
    name: 'late answers',
    plans: [[FIRST_1, A, B], []],
    hasLateMessages: true,
    bounds: { ...BOUNDS, elections: 0, frontendBreaks: 1, ticks: 1 },
  },
  {
    ...FAULTS,
    name: 'two catalogs',
    catalogs: ['C1', 'C2'],
    initialSet: ['C1', 'C2'],
    bounds: { ...FAULTS.bounds, ticks: 1, catalogBreaks: 1, frontendBreaks: 1, authorityRequests: 0 },
  },
  {
    ...FAULTS,
    name: 'two catalogs, authority renewed',
    catalogs: ['C1', 'C2'],
    initialSet: ['C1', 'C2'],
    bounds: { ...FAULTS.bounds, ticks: 1, leaseRequests: 0 },
  },
  {
    ...FAULTS,
    name: 'catalog restarts',
    bounds: { ...FAULTS.bounds, leaderCrashes: 1, catalogRestarts: 1 },
  },
  {
    ...FAULTS,
    name: 'two catalogs, one restarts',
    catalogs: ['C1', 'C2'],
    initialSet: ['C1', 'C2'],
    bounds: { ...FAULTS.bounds, ticks: 1, catalogRestarts: 1, authorityRequests: 0 },
  },
  {
    ...FAULTS,
    name: 'two processes',
    catalogs: ['C1', 'C1'],
    bounds: { ...FAULTS.bounds, ticks: 1, leaseRequests: 0 },
  },
  { ...FAULTS, name: 'reads at leaders', bounds: { ...FAULTS.bounds, leaderReads: 1 } },
  {
    ...SMALL,
    name: 'catalog added',
    catalogs: ['C2'],
    initialSet: [],
    frontends: 0,
    plans: [
      [FIRST_1, ADD],
      [FIRST_2, A],
    ],
  },
  {
    ...FAULTS,
    name: 'catalog removed',
    catalogs: ['C2'],
    initialSet: ['C2'],
    plans: [[FIRST_1, REMOVE], [A]],
    bounds: { ...BOUNDS, ticks: 3 },
  },
  {
    ...FAULTS,
    name: 'addition inherited',
    catalogs: ['C2'],
    initialSet: [],
    frontends: 0,
    plans: [[FIRST_1], [A]],
    startsWithAuthority: false,
    inherited: [ADD],
    bounds: { ...BOUNDS, ticks: 3 },
  },
  {
    ...FAULTS,
    name: 'removal in an older log',
    catalogs: ['C2'],
    initialSet: ['C2'],
    frontends: 0,
    plans: [[FIRST_1], [A]],
    startsWithAuthority: false,
    rivalLog: [REMOVE],
    bounds: { ...BOUNDS, ticks: 3 },
  },
  {
    ...FAULTS,
    name: 'all processes',
    stocks: ['x', 'y'],
    catalogs: ['C1', 'C2'],
    initialSet: ['C1', 'C2'],
    frontends: 2,
    plans: [[FIRST_1, A, C], [{ name: 'e', stocks: ['x', 'y'] }]],
    isSymmetric: true,
    bounds: { ...FAULTS.bounds, authorityRequests: 0, leaseRequests: 0 },
  },
];

/** The cost model: what one request costs each process, and how much machines can then take. Pure. */
import { median } from './statistics.js';

/** Requests whose costs are told. */
export const COST_KINDS = ['order', 'cached look-up'] as const;

export type CostKind = (typeof COST_KINDS)[number];

/** In the order of an order's path. */
export const COST_ROLES = ['front-ends', 'leader', 'each follower', 'each catalog'] as const;

/** Catalogs of every cluster whose costs are measured. */
export const CATALOGS = 2;

export type CostRole = (typeof COST_ROLES)[number];

/** Of one process, or of several of a role together, while a number of requests was answered. */
export interface Used {
  /** Seconds of CPU, user and kernel, of all threads. */
  readonly cpuSeconds: number;
  /** Bytes that went to the disk; null where the system does not tell. */
  readonly diskBytes: number | null;
  /** Syncs of its own store; null where it has none. */
  readonly syncs: number | null;
}

/** The same for one request. */
export interface Cost {
  /** Microseconds. */
  readonly cpuUs: number;
  readonly diskBytes: number | null;
  readonly syncs: number | null;
}

export interface CostShape {
  readonly replicas: number;
  readonly frontends: number;
}

/** One kind of request at one cluster. */
export interface CostRun extends CostShape {
  readonly kind: CostKind;
  readonly perSecond: number;
  /** Costs of one request at each role that is there. */
  readonly costs: Readonly<Partial<Record<CostRole, Cost>>>;
  /** Microseconds of the load generator. */
  readonly generatorUs: number;
  readonly failed: number;
}

/** @param requests that were answered meanwhile, above 0 */
export function costOf(used: readonly Used[], requests: number): Cost {
  const perRequest = (values: readonly (number | null)[]): number | null => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / requests;
  };
  return {
    cpuUs: 1e6 * (perRequest(used.map(({ cpuSeconds }) => cpuSeconds)) ?? 0),
    diskBytes: perRequest(used.map(({ diskBytes }) => diskBytes)),
    syncs: perRequest(used.map(({ syncs }) => syncs)),
  };
}

/** The medians over repetitions of the same shape and kind, in the order in which these came first. */
export function medianRuns(runs: readonly CostRun[]): readonly CostRun[] {
  const groups = new Map<string, CostRun[]>();
  for (const run of runs) {
    const key = `${run.kind} ${run.replicas} ${run.frontends}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const over = (figure: (run: CostRun) => number): number => median(group.map(figure));
    const roles = COST_ROLES.flatMap((role) => {
      const costs = group.flatMap(({ costs: { [role]: cost } }) => (cost === undefined ? [] : [cost]));
      return costs.length === 0 ? [] : [[role, medianCost(costs)] as const];
    });
    return {
      ...first,
      perSecond: over(({ perSecond }) => perSecond),
      generatorUs: over(({ generatorUs }) => generatorUs),
      failed: group.reduce((sum, { failed }) => sum + failed, 0),
      costs: Object.fromEntries(roles),
    };
  });
}

function medianCost(costs: readonly Cost[]): Cost {
  const over = (values: readonly (number | null)[]): number | null => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : median(known);
  };
  return {
    cpuUs: median(costs.map(({ cpuUs }) => cpuUs)),
    diskBytes: over(costs.map(({ diskBytes }) => diskBytes)),
    syncs: over(costs.map(({ syncs }) => syncs)),
  };
}

/** Microseconds of CPU that all processes together spend on one request. */
export function totalCpuUs({ replicas, costs }: CostRun): number {
  const of = (role: CostRole): number => costs[role]?.cpuUs ?? 0;
  const followers = (replicas - 1) * of('each follower');
  return of('front-ends') + of('leader') + followers + CATALOGS * of('each catalog');
}

/** What bounds the rate of requests, and at how many a second. */
export interface Wall {
  readonly what: string;
  readonly perSecond: number;
}

/** Cores that a cluster has, and how many front-ends share its load. */
export interface Site {
  readonly cores: number;
  readonly frontends: number;
  /** Microseconds of CPU a request that something else takes from these cores: a load generator. */
  readonly otherUs?: number;
}

/**
 * What bounds this kind of request on a site, the first wall first. A process works on one thread: it can take at most a
 * second of CPU a second; its helpers (LevelDB, garbage collection) are counted in, so a wall may lie further out.
 */
export function wallsOf(run: CostRun, { cores, frontends, otherUs = 0 }: Site): readonly Wall[] {
  const walls: Wall[] = [{ what: 'all cores', perSecond: (cores * 1e6) / (totalCpuUs(run) + otherUs) }];
  for (const role of COST_ROLES) {
    const cpuUs = run.costs[role]?.cpuUs ?? 0;
    // What keeps a process awake between requests is no cost of theirs.
    if (cpuUs < NEGLIGIBLE_US) continue;
    const processes = role === 'front-ends' ? frontends : 1;
    walls.push({ what: threadsOf(role, frontends), perSecond: (processes * 1e6) / cpuUs });
  }
  return walls.sort((a, b) => a.perSecond - b.perSecond);
}

const NEGLIGIBLE_US = 1;

function threadsOf(role: CostRole, frontends: number): string {
  switch (role) {
    case 'front-ends':
      return frontends === 1 ? 'the thread of the front-end' : `the threads of the ${frontends} front-ends`;
    case 'leader':
      return 'the thread of the leader';
    case 'each follower':
    case 'each catalog':
      return `the thread of ${role}`;
  }
}

/** So many front-ends that not they are the first wall, but no more than there are cores. */
export function frontendsNeeded(run: CostRun, cores: number): number {
  for (let frontends = 1; frontends < cores; frontends += 1) {
    const [first] = wallsOf(run, { cores, frontends });
    if (first?.what !== threadsOf('front-ends', frontends)) return frontends;
  }
  return cores;
}

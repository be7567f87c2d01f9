/** The cost model: the cost of a request in each process, and the capacity that follows from it. Pure. */
import { median } from './statistics.js';

/** Kinds of requests whose costs are measured. */
export const COST_KINDS = ['order', 'cached look-up'] as const;

export type CostKind = (typeof COST_KINDS)[number];

/** Roles in the sequence of an order's path. */
export const COST_ROLES = ['front-ends', 'leader', 'each follower', 'each catalog'] as const;

/** Number of catalogs in every measured cluster. */
export const CATALOG_COUNT = 2;

export type CostRole = (typeof COST_ROLES)[number];

/** Resources that one process, or all processes of a role, used during a run. */
export interface ResourceUse {
  /** CPU seconds of all threads, user and kernel mode. */
  readonly cpuSeconds: number;
  /** Bytes written to disk; null if unknown. */
  readonly diskBytes: number | null;
  /** Syncs of the store; null for a process without a store. */
  readonly syncs: number | null;
}

/** Resources per request. */
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

/** One kind of request, measured on one cluster. */
export interface CostRun extends CostShape {
  readonly kind: CostKind;
  readonly perSecond: number;
  /** Cost per request for each role of the cluster. */
  readonly costs: Readonly<Partial<Record<CostRole, Cost>>>;
  /** CPU of the load generator per request, in microseconds. */
  readonly generatorUs: number;
  readonly failed: number;
}

/** @param requests number of requests answered during the run, above 0 */
export function costPerRequest(used: readonly ResourceUse[], requests: number): Cost {
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

/** Medians over the repetitions of each shape and kind, in the order of their first run. */
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
    const medianOf = (figure: (run: CostRun) => number): number => median(group.map(figure));
    const roles = COST_ROLES.flatMap((role) => {
      const costs = group.flatMap(({ costs: { [role]: cost } }) => (cost === undefined ? [] : [cost]));
      return costs.length === 0 ? [] : [[role, medianCost(costs)] as const];
    });
    return {
      ...first,
      perSecond: medianOf(({ perSecond }) => perSecond),
      generatorUs: medianOf(({ generatorUs }) => generatorUs),
      failed: group.reduce((sum, { failed }) => sum + failed, 0),
      costs: Object.fromEntries(roles),
    };
  });
}

function medianCost(costs: readonly Cost[]): Cost {
  const medianOf = (values: readonly (number | null)[]): number | null => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : median(known);
  };
  return {
    cpuUs: median(costs.map(({ cpuUs }) => cpuUs)),
    diskBytes: medianOf(costs.map(({ diskBytes }) => diskBytes)),
    syncs: medianOf(costs.map(({ syncs }) => syncs)),
  };
}

/** CPU of all processes per request, in microseconds. */
export function totalCpuUs({ replicas, costs }: CostRun): number {
  const cpuUsOf = (role: CostRole): number => costs[role]?.cpuUs ?? 0;
  const followers = (replicas - 1) * cpuUsOf('each follower');
  return cpuUsOf('front-ends') + cpuUsOf('leader') + followers + CATALOG_COUNT * cpuUsOf('each catalog');
}

/** A limit of the request rate: the saturated resource, and the rate in requests per second. */
export interface Bottleneck {
  readonly what: string;
  readonly perSecond: number;
}

/** The cores of a cluster, and the number of front-ends that share the load. */
export interface Capacity {
  readonly cores: number;
  readonly frontends: number;
  /** CPU per request of other programs on these cores, such as a load generator, in microseconds. */
  readonly otherUs?: number;
}

/**
 * Bottlenecks of this kind of request, the lowest rate first. The model assumes that a process can use at
 * most one CPU second per second. Its CPU includes helper threads (LevelDB, garbage collection), so the real
 * limit may be higher.
 */
export function findBottlenecks(
  run: CostRun,
  { cores, frontends, otherUs = 0 }: Capacity,
): readonly Bottleneck[] {
  const walls: Bottleneck[] = [{ what: 'all cores', perSecond: (cores * 1e6) / (totalCpuUs(run) + otherUs) }];
  for (const role of COST_ROLES) {
    const cpuUs = run.costs[role]?.cpuUs ?? 0;
    // Background work, such as heartbeats, is not a cost of requests.
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
      return frontends === 1 ? 'front-end thread' : `threads of ${frontends} front-ends`;
    case 'leader':
      return 'leader thread';
    case 'each follower':
      return 'follower thread';
    case 'each catalog':
      return 'catalog thread';
  }
}

/** The smallest number of front-ends that are not the first bottleneck; at most one per core. */
export function frontendsNeeded(run: CostRun, cores: number): number {
  for (let frontends = 1; frontends < cores; frontends += 1) {
    const [first] = findBottlenecks(run, { cores, frontends });
    if (first?.what !== threadsOf('front-ends', frontends)) return frontends;
  }
  return cores;
}

/** Loads a cluster of one shape, and measures what each of its processes spends on a request. */
import { measurePeak, type Tool } from '../generator/peak.js';
import {
  CATALOG_COUNT,
  costPerRequest,
  type CostKind,
  type CostRole,
  type CostRun,
  type CostShape,
  type ResourceUse,
} from '../rules/cost.js';
import { countFailed } from '../rules/outcomes.js';
import { CACHED_STOCKS, requestsOf, type RequestKind } from '../rules/requests.js';
import { usageOf, type Usage } from '../system/processes.js';
import type { PeakFigures } from '../rules/wrk.js';
import type { BenchSession } from '../system/session.js';
import { TriremeCluster } from '../system/trireme.js';

export interface CostOptions {
  readonly tool: Tool;
  /** Connections to each front-end. */
  readonly connections: number;
  readonly seconds: number;
}

/** Load before the measurement, in which V8 compiles, caches fill and links open. */
const WARMUP_SECONDS = 3;

const REQUESTS: Readonly<Record<CostKind, RequestKind>> = { order: 'order', 'cached look-up': 'lookup' };

/** A process, and its resource usage before the load. */
interface Watched {
  readonly role: CostRole;
  readonly pid: number;
  readonly url: string | null;
  readonly before: Usage;
}

/** Starts a cluster of the shape, measures every kind of request, and stops the cluster. */
export async function measureShape(
  session: BenchSession,
  shape: CostShape,
  options: CostOptions,
): Promise<readonly CostRun[]> {
  const trireme = await TriremeCluster.start(session, {
    stocks: 10,
    cacheSize: CACHED_STOCKS,
    catalogs: CATALOG_COUNT,
    ...shape,
  });
  const runs: CostRun[] = [];
  for (const kind of ['order', 'cached look-up'] as const) {
    runs.push({ ...shape, ...(await measureKind(session, trireme, kind, options)) });
  }
  await trireme.stop();
  return runs;
}

async function measureKind(
  { folder }: BenchSession,
  trireme: TriremeCluster,
  kind: CostKind,
  { tool, connections, seconds }: CostOptions,
): Promise<Omit<CostRun, keyof CostShape>> {
  const requests = requestsOf(REQUESTS[kind], 1);
  const load = async (length: number): Promise<readonly PeakFigures[]> => {
    const run = { connections, warmupSeconds: 0, seconds: length, requests, folder };
    return Promise.all(trireme.cluster.urls.map(async (url) => measurePeak(tool, { url, ...run })));
  };
  await load(WARMUP_SECONDS);
  const watched = await watch(trireme);
  const own = process.cpuUsage();
  const peaks = await load(seconds);
  const { user, system } = process.cpuUsage(own);
  const answered = sum(peaks, ({ latency }) => latency.count);
  return {
    kind,
    perSecond: sum(peaks, ({ perSecond }) => perSecond),
    costs: await costsOf(watched, answered),
    generatorUs: (user + system + 1e6 * sum(peaks, ({ generatorCpu }) => generatorCpu)) / answered,
    failed: sum(peaks, ({ failures }) => countFailed(failures)),
  };
}

async function watch({ cluster }: TriremeCluster): Promise<readonly Watched[]> {
  const leader = await cluster.leaderName();
  const watched: Watched[] = [];
  for (const { id, role, pid, url } of cluster.describe().processes) {
    if (pid === null) throw new Error(`cannot measure ${id}: the process is not running`);
    const internal = role === 'frontend' ? null : url;
    const before = await usageOf(pid, internal);
    watched.push({ role: roleOf(role, id === leader), pid, url: internal, before });
  }
  return watched;
}

function roleOf(role: 'catalog' | 'replica' | 'frontend', isLeader: boolean): CostRole {
  switch (role) {
    case 'catalog':
      return 'each catalog';
    case 'frontend':
      return 'front-ends';
    case 'replica':
      return isLeader ? 'leader' : 'each follower';
  }
}

async function costsOf(watched: readonly Watched[], requests: number): Promise<CostRun['costs']> {
  const byRole = new Map<CostRole, ResourceUse[]>();
  for (const { role, pid, url, before } of watched) {
    const used = difference(await usageOf(pid, url), before);
    byRole.set(role, [...(byRole.get(role) ?? []), used]);
  }
  return Object.fromEntries(
    [...byRole].map(([role, used]) => {
      // Front-ends share the requests; each follower and each catalog handles all of them.
      const share = role === 'each follower' || role === 'each catalog' ? used.length : 1;
      return [role, costPerRequest(used, requests * share)];
    }),
  );
}

function difference(after: Usage, before: Usage): ResourceUse {
  const subtract = (a: number | null, b: number | null): number | null =>
    a === null || b === null ? null : a - b;
  return {
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    diskBytes: subtract(after.diskBytes, before.diskBytes),
    syncs: subtract(after.syncs, before.syncs),
  };
}

function sum<T>(values: readonly T[], figure: (value: T) => number): number {
  return values.reduce((total, value) => total + figure(value), 0);
}

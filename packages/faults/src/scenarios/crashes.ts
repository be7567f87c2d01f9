/** One or all processes are killed and restarted. */
import { CRASHING_REPLICA, CRASH_STEPS, crashFile, crashLeaderAt, type CrashStep } from '../crash-point.js';
import type { ScenarioRun } from '../run/scenario-run.js';
import type { Scenario } from '../run/scenario.js';

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];

/** Crashes the leader as soon as an order reaches a step. */
async function crashLeader(run: ScenarioRun, step: CrashStep): Promise<void> {
  const replicas = run.names('replica');
  // Another replica may lead by then.
  for (const name of replicas) run.expectExit(name);
  run.note(`crash the leader when an order is ${step}`);
  crashLeaderAt(run.dataDir, step);
  await run.waitUntil('the leader crashes', () => replicas.some((name) => !run.isUp(name)));
  const dead = replicas.find((name) => !run.isUp(name)) ?? '';
  run.note(`${dead} has crashed`);
  await run.waitForOtherLeader(dead);
  await run.waitForOrders();
  await run.start(dead);
  await run.waitForOrders(20);
}

export const CRASHES: readonly Scenario[] = [
  {
    name: 'the leader is killed three times under load and no client sees an error',
    workload: { clientsWithShortTimeout: 0 },
    bounds: { errorsMax: 0, gapMsMax: 2_500 },
    script: async (run) => {
      for (let i = 0; i < 3; i += 1) {
        const leader = await run.waitForLeader();
        await run.kill(leader);
        await run.waitForOtherLeader(leader);
        await run.waitForOrders();
        await run.start(leader);
      }
    },
  },
  {
    name: 'the leader is killed at every step of the order path, twice, and no client sees an error',
    cluster: { programs: { replica: CRASHING_REPLICA } },
    workload: { clientsWithShortTimeout: 0 },
    bounds: { errorsMax: 0 },
    prepare: (dataDir) => ({
      environments: Object.fromEntries(
        REPLICAS.map((name) => [name, { env: { TRIREME_CRASH_FILE: crashFile(dataDir) } }]),
      ),
    }),
    script: async (run) => {
      for (const step of [...CRASH_STEPS, ...CRASH_STEPS]) await crashLeader(run, step);
    },
  },
  {
    name: 'each follower is killed and restarted under load',
    bounds: { gapMsMax: 1_000 },
    script: async (run) => {
      for (const follower of await run.waitForFollowers()) {
        await run.kill(follower);
        await run.waitForOrders(100);
        await run.start(follower);
        await run.waitForOrders();
      }
    },
  },
  {
    name: 'every process is killed in turn under load',
    script: async (run) => {
      for (const name of run.names()) {
        await run.kill(name);
        await run.sleep(300);
        await run.start(name);
        await run.waitForOrders();
      }
    },
  },
  {
    name: 'all processes are killed at once, twice, and no acknowledged order is lost',
    script: async (run) => {
      for (let i = 0; i < 2; i += 1) {
        run.note('SIGKILL to all processes');
        await run.cluster.killAll();
        for (const name of run.names()) await run.cluster.startProcess(name);
        await run.cluster.awaitReady();
        await run.waitForOrders(100);
      }
    },
  },
  {
    name: 'two of three replicas are killed: no order is accepted until one of them restarts',
    script: async (run) => {
      const [first = '', second = ''] = await run.waitForFollowers();
      await Promise.all([run.kill(first), run.kill(second)]);
      await run.sleep(1_500);
      await run.start(first);
      await run.waitForOrders();
    },
  },
  {
    name: 'the leader and a catalog are killed together, and no client sees an error',
    everyday: true,
    workload: { clientsWithShortTimeout: 0 },
    bounds: { errorsMax: 0, gapMsMax: 2_500 },
    script: async (run) => {
      for (const catalog of ['catalog-1', 'catalog-2', 'catalog-1']) {
        const leader = await run.waitForLeader();
        await Promise.all([run.kill(leader), run.kill(catalog)]);
        await run.waitForOtherLeader(leader);
        await run.waitForOrders();
        await run.start(catalog);
        await run.start(leader);
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'a catalog is killed repeatedly under load and restarts without state, and no client sees an error',
    workload: { clientsWithShortTimeout: 0 },
    bounds: { errorsMax: 0, gapMsMax: 2_500, lookupGapMsMax: 2_500 },
    script: async (run) => {
      for (let i = 0; i < 6; i += 1) {
        await run.kill('catalog-1');
        await run.start('catalog-1');
        await run.waitForOrders(30);
      }
      // Kills it before it is ready, so that transfers of the stock table are interrupted.
      for (let i = 0; i < 6; i += 1) {
        await run.kill('catalog-1');
        run.note('start catalog-1, then kill it before it is ready');
        await run.cluster.startProcess('catalog-1');
        await run.sleep(run.random.below(500));
      }
      await run.cluster.awaitProcessReady('catalog-1');
      await run.waitForOrders();
    },
  },
  {
    name: 'all replicas are restarted at once while the catalogs keep running, with SIGKILL, then with SIGTERM',
    script: async (run) => {
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        const replicas = run.names('replica');
        await Promise.all(replicas.map(async (name) => run.kill(name, signal)));
        await Promise.all(replicas.map(async (name) => run.start(name)));
        await run.waitForOrders();
      }
    },
  },
  {
    name: 'every process is restarted in turn with SIGTERM under load',
    script: async (run) => {
      for (const name of run.names()) {
        await run.kill(name, 'SIGTERM');
        await run.start(name);
        await run.waitForOrders();
      }
    },
  },
  {
    name: 'the leader transfers leadership on SIGTERM and no client sees an error',
    workload: { clientsWithShortTimeout: 0 },
    bounds: { errorsMax: 0, gapMsMax: 1_000 },
    script: async (run) => {
      for (let i = 0; i < 3; i += 1) {
        const leader = await run.waitForLeader();
        await run.kill(leader, 'SIGTERM');
        await run.waitForOrders();
        await run.start(leader);
      }
    },
  },
];

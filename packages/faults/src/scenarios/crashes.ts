/** Processes die, one or all, and come back. */
import { CRASHING_REPLICA, crashFile, dieAt } from '../crash-point.js';
import { CRASH_STEPS, type CrashStep } from '../crash-steps.js';
import type { Run } from '../run/run.js';
import type { Scenario } from '../run/scenario.js';

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];

/** The leader dies as soon as it comes to a step with an order. */
async function leaderDiesAt(run: Run, step: CrashStep): Promise<void> {
  const replicas = run.names('replica');
  // Whoever leads by then.
  for (const name of replicas) run.expectEnd(name);
  run.note(`the leader is to die once an order is ${step}`);
  dieAt(run.dataDir, step);
  await run.until('the leader dies', () => replicas.some((name) => !run.isUp(name)));
  const dead = replicas.find((name) => !run.isUp(name)) ?? '';
  run.note(`${dead} has died`);
  await run.newLeader(dead);
  await run.progress();
  await run.start(dead);
  await run.progress(20);
}

export const CRASHES: readonly Scenario[] = [
  {
    name: 'the leader is killed three times under load and no client sees an error',
    everyday: true,
    workload: { impatient: 0 },
    bounds: { errorsMax: 0, gapMsMax: 2_500 },
    script: async (run) => {
      for (let i = 0; i < 3; i += 1) {
        const leader = await run.leader();
        await run.kill(leader);
        await run.newLeader(leader);
        await run.progress();
        await run.start(leader);
      }
    },
  },
  {
    name: 'the leader is killed at every step of the order path, twice, and no client sees an error',
    cluster: { programs: { replica: CRASHING_REPLICA } },
    workload: { impatient: 0 },
    bounds: { errorsMax: 0 },
    prepare: (dataDir) => ({
      hindrances: Object.fromEntries(
        REPLICAS.map((name) => [name, { env: { TRIREME_CRASH_FILE: crashFile(dataDir) } }]),
      ),
    }),
    script: async (run) => {
      for (const step of [...CRASH_STEPS, ...CRASH_STEPS]) await leaderDiesAt(run, step);
    },
  },
  {
    name: 'a follower is killed and comes back while orders go on',
    bounds: { gapMsMax: 1_000 },
    script: async (run) => {
      for (const follower of await run.followers()) {
        await run.kill(follower);
        await run.progress(100);
        await run.start(follower);
        await run.progress();
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
        await run.progress();
      }
    },
  },
  {
    name: 'all processes are killed at once, twice, and nothing acknowledged is lost',
    everyday: true,
    script: async (run) => {
      for (let i = 0; i < 2; i += 1) {
        run.note('SIGKILL to everything');
        await run.cluster.killAll();
        for (const name of run.names()) await run.cluster.startProcess(name);
        await run.cluster.waitReady();
        await run.progress(100);
      }
    },
  },
  {
    name: 'two of three replicas are killed: nothing is taken until one is back',
    script: async (run) => {
      const [first = '', second = ''] = await run.followers();
      await Promise.all([run.kill(first), run.kill(second)]);
      await run.sleep(1_500);
      await run.start(first);
      await run.progress();
    },
  },
  {
    name: 'the leader and a catalog are killed together, and no client sees an error',
    everyday: true,
    workload: { impatient: 0 },
    bounds: { errorsMax: 0, gapMsMax: 2_500 },
    script: async (run) => {
      for (const catalog of ['catalog-1', 'catalog-2', 'catalog-1']) {
        const leader = await run.leader();
        await Promise.all([run.kill(leader), run.kill(catalog)]);
        await run.newLeader(leader);
        await run.progress();
        await run.start(catalog);
        await run.start(leader);
        await run.progress(20);
      }
    },
  },
  {
    name: 'a catalog is killed again and again under load, comes back with nothing, and no client sees an error',
    everyday: true,
    workload: { impatient: 0 },
    bounds: { errorsMax: 0, gapMsMax: 2_500, lookupGapMsMax: 2_500 },
    script: async (run) => {
      for (let i = 0; i < 6; i += 1) {
        await run.kill('catalog-1');
        await run.start('catalog-1');
        await run.progress(30);
      }
      // Before it is ready again, so that a leader's stock table is cut off.
      for (let i = 0; i < 6; i += 1) {
        await run.kill('catalog-1');
        run.note('start catalog-1, to die soon');
        await run.cluster.startProcess('catalog-1');
        await run.sleep(run.random.below(500));
      }
      await run.cluster.waitProcessReady('catalog-1');
      await run.progress();
    },
  },
  {
    name: 'all replicas are restarted at once while the catalogs stay, by SIGKILL and then by SIGTERM',
    script: async (run) => {
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        const replicas = run.names('replica');
        await Promise.all(replicas.map(async (name) => run.kill(name, signal)));
        await Promise.all(replicas.map(async (name) => run.start(name)));
        await run.progress();
      }
    },
  },
  {
    name: 'everything is restarted in turn with SIGTERM under load',
    script: async (run) => {
      for (const name of run.names()) {
        await run.kill(name, 'SIGTERM');
        await run.start(name);
        await run.progress();
      }
    },
  },
  {
    name: 'the leader transfers leadership on SIGTERM and no client sees an error',
    workload: { impatient: 0 },
    bounds: { errorsMax: 0, gapMsMax: 1_000 },
    script: async (run) => {
      for (let i = 0; i < 3; i += 1) {
        const leader = await run.leader();
        await run.kill(leader, 'SIGTERM');
        await run.progress();
        await run.start(leader);
      }
    },
  },
];

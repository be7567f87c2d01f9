/** Catalogs crash, pause, are cut off, or join and leave: clients must see no error. */
import { ScenarioError, type ScenarioRun } from '../run/scenario-run.js';
import type { Scenario } from '../run/scenario.js';
import { QUIET_STOCK, waitForCacheHit, setPrice, assertPrice } from './quiet-stock.js';

const FRONTENDS = ['frontend-1', 'frontend-2'];

/** Bounds for clients under any fault of catalogs, with a margin for a busy machine. */
const NO_CLIENT_ERRORS = { errorsMax: 0, gapMsMax: 2_500, lookupGapMsMax: 2_500 } as const;
const NO_TIMEOUTS = { clientsWithShortTimeout: 0 } as const;

/** The catalog that the cache of a front-end follows; null if there is none. @param frontend from 0 */
async function catalogOf({ testCluster }: ScenarioRun, frontend: number): Promise<string | null> {
  const status = (await testCluster.request('GET', '/status', { frontend })).json() as {
    catalogs: readonly { readonly id: string; readonly current: boolean }[];
  };
  return status.catalogs.find(({ current }) => current)?.id ?? null;
}

/** Waits until the cache of each front-end follows one of these catalogs; null means none. */
async function waitUntilFollowing(run: ScenarioRun, catalogs: readonly (string | null)[]): Promise<void> {
  for (const [frontend, name] of FRONTENDS.entries()) {
    await run.waitUntil(
      `${name} follows ${catalogs.map((catalog) => catalog ?? 'no catalog').join(' or ')}`,
      async () => catalogs.includes(await catalogOf(run, frontend)),
    );
  }
}

/** Waits until every front-end answers from its cache. */
async function cachesFill(run: ScenarioRun): Promise<void> {
  for (const frontend of FRONTENDS.keys()) await waitForCacheHit(run, frontend);
}

export const CATALOGS: readonly Scenario[] = [
  {
    name: 'catalogs are killed one after the other under load, and no client sees an error',
    workload: NO_TIMEOUTS,
    bounds: NO_CLIENT_ERRORS,
    script: async (run) => {
      for (const catalog of [...run.names('catalog'), ...run.names('catalog')]) {
        await run.kill(catalog);
        await run.waitForOrders(60);
        await run.start(catalog);
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'all catalogs are killed: orders and look-ups are still answered, and caches fill again after a restart',
    workload: NO_TIMEOUTS,
    bounds: NO_CLIENT_ERRORS,
    script: async (run) => {
      const catalogs = run.names('catalog');
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        await Promise.all(catalogs.map(async (name) => run.kill(name, signal)));
        await waitUntilFollowing(run, [null]);
        await run.waitForOrders(80);
        await Promise.all(catalogs.map(async (name) => run.start(name)));
        await waitUntilFollowing(run, catalogs);
        await cachesFill(run);
      }
    },
  },
  {
    name: 'a catalog resumes after its authority has expired: its front-end returns the new price',
    workload: NO_TIMEOUTS,
    bounds: NO_CLIENT_ERRORS,
    script: async (run) => {
      for (const price of [71, 72, 73, 74]) {
        // The price is set through the other front-end, which may follow the same catalog or another one.
        const frontend = price % 2;
        await waitUntilFollowing(run, run.names('catalog'));
        await cachesFill(run);
        const catalog = (await catalogOf(run, frontend)) ?? '';
        await run.pause(catalog);
        await setPrice(run, price, 1 - frontend);
        const asked = assertPrice(run, price, frontend);
        await run.resume(catalog);
        await asked;
        for (let i = 0; i < 20; i += 1) await assertPrice(run, price, i % 2);
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'catalogs are paused repeatedly for about as long as their authority lasts',
    workload: NO_TIMEOUTS,
    bounds: NO_CLIENT_ERRORS,
    script: async (run) => {
      for (let i = 0; i < 16; i += 1) {
        const name = `catalog-${1 + (i % 2)}`;
        await run.pause(name);
        await run.sleep(40 + run.random.below(200));
        await run.resume(name);
        await run.sleep(run.random.below(150));
      }
    },
  },
  {
    name: 'all catalogs are paused until their authority expires, and resumed one after the other',
    workload: NO_TIMEOUTS,
    bounds: NO_CLIENT_ERRORS,
    script: async (run) => {
      const catalogs = run.names('catalog');
      for (const order of [catalogs, catalogs.toReversed()]) {
        for (const name of order) await run.pause(name);
        await run.waitForOrders(60);
        for (const name of order) {
          await run.resume(name);
          await run.waitForOrders(20);
        }
      }
    },
  },
  {
    name: 'a catalog is cut off from the replicas but not from the front-ends: they switch to the other catalog',
    workload: NO_TIMEOUTS,
    bounds: NO_CLIENT_ERRORS,
    script: async (run) => {
      for (const catalog of run.names('catalog')) {
        run.cut([catalog], run.names('replica'));
        await waitUntilFollowing(
          run,
          run.names('catalog').filter((other) => other !== catalog),
        );
        await run.waitForOrders(60);
        run.healNetwork();
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'all catalogs are cut off from the replicas but not from the front-ends',
    workload: NO_TIMEOUTS,
    bounds: NO_CLIENT_ERRORS,
    script: async (run) => {
      run.cut(run.names('catalog'), run.names('replica'));
      await run.waitForOrders(100);
      run.healNetwork();
      await cachesFill(run);
      await run.waitForOrders(20);
    },
  },
  {
    name: 'an old leader is partitioned with a catalog and a front-end: they return no stale value',
    script: async (run) => {
      let price = 60;
      for (const catalog of run.names('catalog')) {
        await cachesFill(run);
        const leader = await run.waitForLeader();
        const others = run.names().filter((name) => ![leader, catalog, 'frontend-1'].includes(name));
        run.cut([leader, catalog, 'frontend-1'], others);
        await run.waitForOtherLeader(leader);
        await run.waitUntil('the front-end on the side of the majority accepts orders', async () =>
          run.placeProbeOrder(1),
        );
        await setPrice(run, (price += 1), 1);
        const { status, text } = await run.testCluster.request('GET', QUIET_STOCK);
        if (status !== 503)
          throw new ScenarioError(
            `a front-end partitioned with the old leader answered ${status} ${text}, not 503`,
          );
        await run.waitForOrders();
        run.healNetwork();
        await run.waitUntil('the other front-end accepts orders', async () => run.placeProbeOrder(0));
        await assertPrice(run, price, 0);
      }
    },
  },
  {
    name: 'an old leader is partitioned with a catalog, and front-ends reach that catalog and the majority',
    workload: NO_TIMEOUTS,
    bounds: { errorsMax: 0 },
    script: async (run) => {
      for (const catalog of run.names('catalog')) {
        const leader = await run.waitForLeader();
        const others = run.names().filter((name) => name !== leader && name !== catalog);
        run.cut([leader], others);
        run.cut([catalog], [...run.names('replica').filter((name) => name !== leader)]);
        await run.waitForOtherLeader(leader);
        await run.waitForOrders(60);
        run.healNetwork();
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'a front-end loses its catalog while a revocation is in flight',
    workload: NO_TIMEOUTS,
    bounds: NO_CLIENT_ERRORS,
    script: async (run) => {
      for (let i = 0; i < 8; i += 1) {
        const catalog = (await catalogOf(run, 0)) ?? 'catalog-1';
        run.note(`delay ${catalog} to frontend-1 by 60 to 100 ms`);
        run.network.degrade(catalog, 'frontend-1', { delayMs: 60, jitterMs: 40 });
        await run.sleep(20 + run.random.below(60));
        if (i % 4 === 0) await run.kill(catalog);
        else if (i % 4 === 1) run.cut([catalog], ['frontend-1']);
        else if (i % 4 === 2) run.cutOneWay(['frontend-1'], [catalog]);
        else {
          run.note(`reset connections between ${catalog} and frontend-1`);
          run.network.reset(catalog, 'frontend-1');
        }
        await run.waitForOrders(20);
        run.healNetwork();
        if (!run.isUp(catalog)) await run.start(catalog);
        await run.waitForOrders(10);
      }
    },
  },
  {
    name: 'catalogs are added and removed under load, until none is left, and no client sees an error',
    joiningCatalogs: 1,
    workload: NO_TIMEOUTS,
    bounds: NO_CLIENT_ERRORS,
    script: async (run) => {
      await run.changeCatalogs('add', '3');
      await run.waitForOrders();
      for (const number of ['2', '1', '3']) {
        await run.changeCatalogs('remove', number);
        await run.waitForOrders();
      }
      await waitUntilFollowing(run, [null]);
      for (const number of ['1', '2']) await run.changeCatalogs('add', number);
      await waitUntilFollowing(run, ['catalog-1', 'catalog-2']);
      await cachesFill(run);
      await run.waitForOrders();
    },
  },
  {
    name: 'catalogs are added and removed while the leader is killed, and no client sees an error',
    joiningCatalogs: 1,
    workload: NO_TIMEOUTS,
    bounds: { errorsMax: 0 },
    script: async (run) => {
      for (const args of [
        ['add', '3'],
        ['remove', '1'],
        ['add', '1'],
        ['remove', '3'],
      ]) {
        const leader = await run.waitForLeader();
        const changed = run.changeCatalogs(...args);
        await run.sleep(run.random.below(600));
        await run.kill(leader);
        await run.waitForOtherLeader(leader);
        await changed;
        await run.waitForOrders();
        await run.start(leader);
        await run.waitForOrders(20);
      }
    },
  },
];

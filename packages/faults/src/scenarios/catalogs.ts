/** Catalogs die, stand still, lose sight of replicas or front-ends, come and go: no client sees an error of it. */
import { ScenarioError, type Run } from '../run/run.js';
import type { Scenario } from '../run/scenario.js';
import { QUIET_STOCK, cacheFills, reprice, tellsPrice } from './quiet-stock.js';

const FRONTENDS = ['frontend-1', 'frontend-2'];

/** What clients are promised whatever happens to catalogs: a bound well above what a busy machine adds. */
const UNSEEN = { errorsMax: 0, gapMsMax: 2_500, lookupGapMsMax: 2_500 } as const;
const PATIENT = { impatient: 0 } as const;

/** The catalog that a front-end's cache follows, null for none. @param frontend from 0 */
async function catalogOf({ stage }: Run, frontend: number): Promise<string | null> {
  const status = (await stage.request('GET', '/status', { frontend })).json() as {
    catalogs: readonly { readonly id: string; readonly current: boolean }[];
  };
  return status.catalogs.find(({ current }) => current)?.id ?? null;
}

/** Waits until the caches of all front-ends follow a catalog of these, or none. */
async function follow(run: Run, wanted: readonly (string | null)[]): Promise<void> {
  for (const [frontend, name] of FRONTENDS.entries()) {
    await run.until(`${name} follows ${wanted.join(' or ')}`, async () =>
      wanted.includes(await catalogOf(run, frontend)),
    );
  }
}

/** Waits until every front-end answers from its cache. */
async function cachesFill(run: Run): Promise<void> {
  for (const frontend of FRONTENDS.keys()) await cacheFills(run, frontend);
}

export const CATALOGS: readonly Scenario[] = [
  {
    name: 'a catalog is killed under load, then the other one, and no client sees an error',
    workload: PATIENT,
    bounds: UNSEEN,
    script: async (run) => {
      for (const catalog of [...run.names('catalog'), ...run.names('catalog')]) {
        await run.kill(catalog);
        await run.progress(60);
        await run.start(catalog);
        await run.progress(20);
      }
    },
  },
  {
    name: 'all catalogs are killed: orders and look-ups are answered all the same, and caches fill again',
    everyday: true,
    workload: PATIENT,
    bounds: UNSEEN,
    script: async (run) => {
      const catalogs = run.names('catalog');
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        await Promise.all(catalogs.map(async (name) => run.kill(name, signal)));
        await follow(run, [null]);
        await run.progress(80);
        await Promise.all(catalogs.map(async (name) => run.start(name)));
        await follow(run, catalogs);
        await cachesFill(run);
      }
    },
  },
  {
    name: 'a catalog wakes past its authority while its stock has changed: its front-end tells the new one',
    everyday: true,
    workload: PATIENT,
    bounds: UNSEEN,
    script: async (run) => {
      for (const price of [71, 72, 73, 74]) {
        // Each of them once while the other front-end, through which the price is set, follows another catalog or the same.
        const frontend = price % 2;
        await follow(run, run.names('catalog'));
        await cachesFill(run);
        const catalog = (await catalogOf(run, frontend)) ?? '';
        await run.pause(catalog);
        await reprice(run, price, 1 - frontend);
        const asked = tellsPrice(run, price, frontend);
        await run.resume(catalog);
        await asked;
        for (let i = 0; i < 20; i += 1) await tellsPrice(run, price, i % 2);
        await run.progress(20);
      }
    },
  },
  {
    name: 'catalogs are paused for about as long as their authority lasts, again and again',
    workload: PATIENT,
    bounds: UNSEEN,
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
    name: 'all catalogs are paused past their authority and woken one after the other',
    workload: PATIENT,
    bounds: UNSEEN,
    script: async (run) => {
      const catalogs = run.names('catalog');
      for (const order of [catalogs, catalogs.toReversed()]) {
        for (const name of order) await run.pause(name);
        await run.progress(60);
        for (const name of order) {
          await run.resume(name);
          await run.progress(20);
        }
      }
    },
  },
  {
    name: 'a catalog is cut from the replicas and not from front-ends: these move to the other one',
    workload: PATIENT,
    bounds: UNSEEN,
    script: async (run) => {
      for (const catalog of run.names('catalog')) {
        run.cut([catalog], run.names('replica'));
        await follow(
          run,
          run.names('catalog').filter((other) => other !== catalog),
        );
        await run.progress(60);
        run.healNetwork();
        await run.progress(20);
      }
    },
  },
  {
    name: 'all catalogs are cut from the replicas and not from front-ends',
    workload: PATIENT,
    bounds: UNSEEN,
    script: async (run) => {
      run.cut(run.names('catalog'), run.names('replica'));
      await run.progress(100);
      run.healNetwork();
      await cachesFill(run);
      await run.progress(20);
    },
  },
  {
    name: 'an old leader has a catalog and a front-end on its side of a partition: they tell nothing that is old',
    everyday: true,
    script: async (run) => {
      let price = 60;
      for (const catalog of run.names('catalog')) {
        await cachesFill(run);
        const leader = await run.leader();
        const others = run.names().filter((name) => ![leader, catalog, 'frontend-1'].includes(name));
        run.cut([leader, catalog, 'frontend-1'], others);
        await run.newLeader(leader);
        await run.until('the front-end with the majority takes orders', async () => run.probe(1));
        await reprice(run, (price += 1), 1);
        const { status, text } = await run.stage.request('GET', QUIET_STOCK);
        if (status !== 503) throw new ScenarioError(`the old leader's side answers ${status} ${text}`);
        await run.progress();
        run.healNetwork();
        await run.until('the other front-end takes orders', async () => run.probe(0));
        await tellsPrice(run, price, 0);
      }
    },
  },
  {
    name: 'an old leader has a catalog on its side of a partition, front-ends see that and the majority',
    workload: PATIENT,
    bounds: { errorsMax: 0 },
    script: async (run) => {
      for (const catalog of run.names('catalog')) {
        const leader = await run.leader();
        const others = run.names().filter((name) => name !== leader && name !== catalog);
        run.cut([leader], others);
        run.cut([catalog], [...run.names('replica').filter((name) => name !== leader)]);
        await run.newLeader(leader);
        await run.progress(60);
        run.healNetwork();
        await run.progress(20);
      }
    },
  },
  {
    name: 'a front-end loses its catalog while a revocation is under way',
    everyday: true,
    workload: PATIENT,
    bounds: UNSEEN,
    script: async (run) => {
      for (let i = 0; i < 8; i += 1) {
        const catalog = (await catalogOf(run, 0)) ?? 'catalog-1';
        run.note(`revocations of ${catalog} are 60 ms and more late at frontend-1`);
        run.network.degrade(catalog, 'frontend-1', { delayMs: 60, jitterMs: 40 });
        await run.sleep(20 + run.random.below(60));
        if (i % 4 === 0) await run.kill(catalog);
        else if (i % 4 === 1) run.cut([catalog], ['frontend-1']);
        else if (i % 4 === 2) run.cutOneWay(['frontend-1'], [catalog]);
        else {
          run.note(`connections of ${catalog} and frontend-1 are reset`);
          run.network.reset(catalog, 'frontend-1');
        }
        await run.progress(20);
        run.healNetwork();
        if (!run.isUp(catalog)) await run.start(catalog);
        await run.progress(10);
      }
    },
  },
  {
    name: 'catalogs are added and removed under load, to the last one, and no client sees an error',
    joiningCatalogs: 1,
    workload: PATIENT,
    bounds: UNSEEN,
    script: async (run) => {
      await run.catalogs('add', '3');
      await run.progress();
      for (const number of ['2', '1', '3']) {
        await run.catalogs('remove', number);
        await run.progress();
      }
      await follow(run, [null]);
      for (const number of ['1', '2']) await run.catalogs('add', number);
      await follow(run, ['catalog-1', 'catalog-2']);
      await cachesFill(run);
      await run.progress();
    },
  },
  {
    name: 'catalogs are added and removed while the leader is killed, and no client sees an error',
    joiningCatalogs: 1,
    workload: PATIENT,
    bounds: { errorsMax: 0 },
    script: async (run) => {
      for (const args of [
        ['add', '3'],
        ['remove', '1'],
        ['add', '1'],
        ['remove', '3'],
      ]) {
        const leader = await run.leader();
        const changed = run.catalogs(...args);
        await run.sleep(run.random.below(600));
        await run.kill(leader);
        await run.newLeader(leader);
        await changed;
        await run.progress();
        await run.start(leader);
        await run.progress(20);
      }
    },
  },
];

/** Links between replicas, catalogs, front-ends and clients are cut, delayed, or lose replies. */
import type { Scenario } from '../run/scenario.js';

/** Under faults of links of catalogs, clients must see no error and no timeout. */
const NO_CLIENT_ERRORS = {
  workload: { clientsWithShortTimeout: 0 },
  bounds: { errorsMax: 0, gapMsMax: 2_500, lookupGapMsMax: 2_500 },
} as const;

export const SERVICES: readonly Scenario[] = [
  {
    name: 'the leader is cut off from the catalogs: orders and look-ups are answered during the cut and after it',
    ...NO_CLIENT_ERRORS,
    script: async (run) => {
      const leader = await run.waitForLeader();
      run.cut([leader], run.names('catalog'));
      await run.sleep(2_000);
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'only followers reach the catalogs: orders and look-ups are answered, also when a follower becomes leader',
    workload: { clientsWithShortTimeout: 0 },
    bounds: { errorsMax: 0 },
    script: async (run) => {
      const leader = await run.waitForLeader();
      run.cut([leader], run.names('catalog'));
      await run.sleep(3_000);
      await run.kill(leader);
      await run.waitForOtherLeader(leader);
      await run.waitForOrders();
      await run.start(leader);
      run.healNetwork();
    },
  },
  {
    name: 'replies of the catalogs to the leader are lost after a revocation',
    ...NO_CLIENT_ERRORS,
    script: async (run) => {
      run.note('drop replies of the catalogs to replicas');
      for (const catalog of run.names('catalog'))
        for (const name of run.names('replica')) run.network.degrade(catalog, name, { dropped: true });
      await run.sleep(2_500);
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'replies of the leader to a front-end are lost after an order is decided',
    script: async (run) => {
      for (let i = 0; i < 8; i += 1) {
        run.note('drop replies of replicas to frontend-1');
        for (const name of run.names('replica')) run.network.degrade(name, 'frontend-1', { dropped: true });
        await run.sleep(400);
        run.healNetwork();
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'replies of front-ends to clients are lost: a retry with the same key returns the same outcome',
    script: async (run) => {
      for (let i = 0; i < 8; i += 1) {
        run.note('drop replies of front-ends to clients');
        for (const name of run.names('frontend')) run.network.degrade(name, 'clients', { dropped: true });
        await run.sleep(300);
        run.healNetwork();
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'a front-end is cut off from the catalogs: its cache expires with its lease, and the leader answers its look-ups',
    ...NO_CLIENT_ERRORS,
    script: async (run) => {
      run.cut(['frontend-1'], run.names('catalog'));
      await run.sleep(2_500);
      await run.waitForOrders(20);
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'a front-end receives from the catalogs but cannot send to them, then the reverse',
    ...NO_CLIENT_ERRORS,
    script: async (run) => {
      run.cutOneWay(['frontend-1'], run.names('catalog'));
      await run.sleep(2_000);
      run.healNetwork();
      await run.waitForOrders(20);
      run.cutOneWay(run.names('catalog'), ['frontend-1']);
      await run.sleep(2_000);
      await run.waitForOrders(20);
      run.healNetwork();
    },
  },
  {
    name: 'one of two front-ends is cut off from all processes while clients use both',
    workload: { clientsWithShortTimeout: 6, shortTimeoutMs: 200 },
    script: async (run) => {
      for (const name of ['frontend-1', 'frontend-2']) {
        run.isolate(name);
        await run.sleep(2_000);
        await run.waitForOrders(20);
        run.healNetwork();
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'revocations are delayed and race with cache fills: no cache keeps a stale value',
    ...NO_CLIENT_ERRORS,
    script: async (run) => {
      run.note('delay the catalogs to frontend-1 by 30 to 90 ms');
      for (const name of run.names('catalog'))
        run.network.degrade(name, 'frontend-1', { delayMs: 30, jitterMs: 60 });
      await run.sleep(3_000);
      await run.waitForOrders();
      for (const name of run.names('catalog'))
        run.network.degrade(name, 'frontend-2', { delayMs: 100, jitterMs: 100 });
      await run.sleep(3_000);
      run.healNetwork();
    },
  },
  {
    name: 'catalogs are restarted during a lease while the front-end that holds it cannot receive from them',
    ...NO_CLIENT_ERRORS,
    script: async (run) => {
      for (const name of ['frontend-1', 'frontend-2', 'frontend-1']) {
        run.cutOneWay(run.names('catalog'), [name]);
        // Each front-end prefers a different catalog, so both are restarted.
        for (const catalog of run.names('catalog')) {
          await run.kill(catalog);
          await run.start(catalog);
        }
        await run.waitForOrders(20);
        run.healNetwork();
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'catalogs are restarted repeatedly during leases',
    ...NO_CLIENT_ERRORS,
    script: async (run) => {
      for (let i = 0; i < 8; i += 1) {
        const catalog = `catalog-${1 + (i % 2)}`;
        await run.sleep(run.random.below(300));
        await run.kill(catalog, i % 4 < 2 ? 'SIGKILL' : 'SIGTERM');
        await run.start(catalog);
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'most keys are sent by two clients at the same time while the leader is killed',
    workload: { clientsWithoutKeys: 0, inFlightKeyShare: 0.7 },
    script: async (run) => {
      for (let i = 0; i < 3; i += 1) {
        const leader = await run.waitForLeader();
        await run.waitForOrders(80);
        await run.kill(leader);
        await run.waitForOtherLeader(leader);
        await run.waitForOrders(80);
        await run.start(leader);
      }
    },
  },
  {
    name: 'clients time out before the server does, and retry with the same key',
    // Each timeout costs a connection, so the pause keeps the rate of new connections within the capacity of
    // the proxies.
    workload: {
      clients: 18,
      clientsWithoutKeys: 0,
      clientsWithShortTimeout: 14,
      shortTimeoutMs: 8,
      failurePauseMs: 100,
    },
    script: async (run) => {
      await run.sleep(3_000);
      const leader = await run.waitForLeader();
      await run.kill(leader);
      await run.sleep(2_000);
      await run.start(leader);
    },
  },
];

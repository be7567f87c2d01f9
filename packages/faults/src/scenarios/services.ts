/** The catalogs, the front-ends and their caches lose sight of each other. */
import type { Scenario } from '../run/scenario.js';

/** Whatever is lost between catalogs and others, clients see no error and wait for no timeout. */
const UNSEEN = {
  workload: { impatient: 0 },
  bounds: { errorsMax: 0, gapMsMax: 2_500, lookupGapMsMax: 2_500 },
} as const;

export const SERVICES: readonly Scenario[] = [
  {
    name: 'the leader is cut from the catalogs: orders and look-ups are answered all the same, and when they are back',
    everyday: true,
    ...UNSEEN,
    script: async (run) => {
      const leader = await run.leader();
      run.cut([leader], run.names('catalog'));
      await run.sleep(2_000);
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'only followers reach the catalogs: orders and look-ups are answered, and when one of them leads',
    workload: { impatient: 0 },
    bounds: { errorsMax: 0 },
    script: async (run) => {
      const leader = await run.leader();
      run.cut([leader], run.names('catalog'));
      await run.sleep(3_000);
      await run.kill(leader);
      await run.newLeader(leader);
      await run.progress();
      await run.start(leader);
      run.healNetwork();
    },
  },
  {
    name: 'what the catalogs answer to the leader is lost after they have revoked',
    everyday: true,
    ...UNSEEN,
    script: async (run) => {
      run.note('replies of the catalogs to replicas are lost');
      for (const catalog of run.names('catalog'))
        for (const name of run.names('replica')) run.network.degrade(catalog, name, { swallowed: true });
      await run.sleep(2_500);
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'what the leader answers to a front-end is lost after the order was decided',
    script: async (run) => {
      for (let i = 0; i < 8; i += 1) {
        run.note('replies of replicas to frontend-1 are lost');
        for (const name of run.names('replica')) run.network.degrade(name, 'frontend-1', { swallowed: true });
        await run.sleep(400);
        run.healNetwork();
        await run.progress(20);
      }
    },
  },
  {
    name: 'what front-ends answer to clients is lost: a retry with the same key tells the same',
    script: async (run) => {
      for (let i = 0; i < 8; i += 1) {
        run.note('replies of front-ends to clients are lost');
        for (const name of run.names('frontend')) run.network.degrade(name, 'clients', { swallowed: true });
        await run.sleep(300);
        run.healNetwork();
        await run.progress(20);
      }
    },
  },
  {
    name: 'a front-end is cut from the catalogs: its cache ends with its lease, and the leader answers its look-ups',
    everyday: true,
    ...UNSEEN,
    script: async (run) => {
      run.cut(['frontend-1'], run.names('catalog'));
      await run.sleep(2_500);
      await run.progress(20);
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'a front-end hears the catalogs but cannot answer them, then the reverse',
    ...UNSEEN,
    script: async (run) => {
      run.cutOneWay(['frontend-1'], run.names('catalog'));
      await run.sleep(2_000);
      run.healNetwork();
      await run.progress(20);
      run.cutOneWay(run.names('catalog'), ['frontend-1']);
      await run.sleep(2_000);
      await run.progress(20);
      run.healNetwork();
    },
  },
  {
    name: 'of two front-ends one is cut off from all processes while clients alternate between them',
    workload: { impatient: 6, impatientMs: 200 },
    script: async (run) => {
      for (const name of ['frontend-1', 'frontend-2']) {
        run.isolate(name);
        await run.sleep(2_000);
        await run.progress(20);
        run.healNetwork();
        await run.progress(20);
      }
    },
  },
  {
    name: 'revocations are late: fills race them, and no cache keeps an old value',
    everyday: true,
    ...UNSEEN,
    script: async (run) => {
      run.note('the catalogs are 30 ms and up to 60 ms more late at frontend-1');
      for (const name of run.names('catalog'))
        run.network.degrade(name, 'frontend-1', { delayMs: 30, jitterMs: 60 });
      await run.sleep(3_000);
      await run.progress();
      for (const name of run.names('catalog'))
        run.network.degrade(name, 'frontend-2', { delayMs: 100, jitterMs: 100 });
      await run.sleep(3_000);
      run.healNetwork();
    },
  },
  {
    name: 'a catalog is restarted mid-lease while a front-end that holds one cannot hear it',
    ...UNSEEN,
    script: async (run) => {
      for (const name of ['frontend-1', 'frontend-2', 'frontend-1']) {
        run.cutOneWay(run.names('catalog'), [name]);
        // The one that frontend-1 prefers, and the one that frontend-2 does.
        for (const catalog of run.names('catalog')) {
          await run.kill(catalog);
          await run.start(catalog);
        }
        await run.progress(20);
        run.healNetwork();
        await run.progress(20);
      }
    },
  },
  {
    name: 'a catalog is restarted mid-lease again and again',
    ...UNSEEN,
    script: async (run) => {
      for (let i = 0; i < 8; i += 1) {
        const catalog = `catalog-${1 + (i % 2)}`;
        await run.sleep(run.random.below(300));
        await run.kill(catalog, i % 4 < 2 ? 'SIGKILL' : 'SIGTERM');
        await run.start(catalog);
        await run.progress(20);
      }
    },
  },
  {
    name: 'the same key through two front-ends at once, most of the time, while the leader is killed',
    workload: { unkeyed: 0, twinShare: 0.7 },
    script: async (run) => {
      for (let i = 0; i < 3; i += 1) {
        const leader = await run.leader();
        await run.progress(80);
        await run.kill(leader);
        await run.newLeader(leader);
        await run.progress(80);
        await run.start(leader);
      }
    },
  },
  {
    name: 'clients give up before the server does, and ask again with the same key',
    // Each try that is given up costs a connection: more of them than the proxies take would be a flood, which is another scenario.
    workload: { clients: 18, unkeyed: 0, impatient: 14, impatientMs: 8, failurePauseMs: 100 },
    script: async (run) => {
      await run.sleep(3_000);
      const leader = await run.leader();
      await run.kill(leader);
      await run.sleep(2_000);
      await run.start(leader);
    },
  },
];

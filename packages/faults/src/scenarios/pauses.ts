/** Processes are paused with open connections, and later continue with outdated state. */
import type { Scenario } from '../run/scenario.js';

export const PAUSES: readonly Scenario[] = [
  {
    name: 'the leader is paused past its lease and resumed while another replica leads',
    bounds: { gapMsMax: 6_000 },
    script: async (run) => {
      for (let i = 0; i < 2; i += 1) {
        const leader = await run.waitForLeader();
        await run.pause(leader);
        await run.waitForOtherLeader(leader);
        await run.waitForOrders();
        await run.resume(leader);
        await run.waitForOrders();
      }
    },
  },
  {
    name: 'the leader is paused repeatedly for less than half a second',
    script: async (run) => {
      for (let i = 0; i < 12; i += 1) {
        const leader = await run.waitForLeader();
        await run.pause(leader);
        await run.sleep(50 + run.random.below(400));
        await run.resume(leader);
        await run.sleep(run.random.below(300));
      }
    },
  },
  {
    name: 'a front-end is paused past its lease and must not answer from its cache',
    everyday: true,
    workload: { clientsWithShortTimeout: 6, shortTimeoutMs: 250 },
    script: async (run) => {
      for (const name of ['frontend-1', 'frontend-2', 'frontend-1']) {
        await run.pause(name);
        await run.sleep(1_200);
        await run.waitForOrders(20);
        await run.resume(name);
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'front-ends are paused repeatedly for about as long as a lease lasts',
    workload: { clientsWithShortTimeout: 6, shortTimeoutMs: 250 },
    script: async (run) => {
      for (let i = 0; i < 24; i += 1) {
        const name = `frontend-${1 + (i % 2)}`;
        await run.pause(name);
        await run.sleep(50 + run.random.below(150));
        await run.resume(name);
        await run.sleep(run.random.below(250));
      }
    },
  },
  {
    name: 'a catalog is paused past every lease and resumed, and no client sees an error',
    workload: { clientsWithShortTimeout: 0 },
    bounds: { errorsMax: 0, gapMsMax: 2_500, lookupGapMsMax: 2_500 },
    script: async (run) => {
      for (const [catalog, pauseMs] of [
        ['catalog-1', 300],
        ['catalog-2', 700],
        ['catalog-1', 2_000],
      ] as const) {
        await run.pause(catalog);
        await run.sleep(pauseMs);
        await run.resume(catalog);
        await run.waitForOrders();
      }
    },
  },
  {
    name: 'all replicas are paused, and resumed in a different order',
    script: async (run) => {
      const leader = await run.waitForLeader();
      const followers = await run.waitForFollowers();
      for (const name of [leader, ...followers]) await run.pause(name);
      await run.sleep(1_500);
      for (const name of [...followers, leader]) {
        await run.resume(name);
        await run.sleep(700);
      }
      await run.waitForOrders();
    },
  },
];

/** Faulty clocks and resource limits. */
import { limitFileDescriptors, openIdleConnections } from '../run/resource-limits.js';
import { waitForCacheHit, setPrice, assertPrice } from './quiet-stock.js';
import type { Scenario } from '../run/scenario.js';
import { driftingClock, controllableWallClock, setWallClock, suspendingClock } from '../run/clocks.js';

const PROCESSES = [
  'catalog-1',
  'catalog-2',
  'replica-1',
  'replica-2',
  'replica-3',
  'frontend-1',
  'frontend-2',
];

export const CLOCKS_AND_LIMITS: readonly Scenario[] = [
  {
    name: 'the wall clock of each process jumps forward and back by an hour',
    needs: ['faketime'],
    prepare: (dataDir) => ({
      environments: Object.fromEntries(PROCESSES.map((name) => [name, controllableWallClock(dataDir, name)])),
    }),
    bounds: { gapMsMax: 2_500 },
    script: async (run) => {
      for (const time of ['+3600', '-3600', '+0']) {
        for (const name of PROCESSES) {
          run.note(`wall clock of ${name}: ${time} s`);
          setWallClock(run.dataDir, name, time);
          await run.waitForOrders(20);
        }
      }
    },
  },
  {
    name: 'the clock of a front-end runs 5% slow and the clocks of catalogs 4% fast: leases stay safe',
    needs: ['faketime'],
    prepare: (dataDir) => ({
      environments: {
        'catalog-1': driftingClock(dataDir, 'catalog-1', 1.04),
        'catalog-2': driftingClock(dataDir, 'catalog-2', 1.04),
        'frontend-1': driftingClock(dataDir, 'frontend-1', 0.95),
      },
    }),
    script: async (run) => {
      run.cutOneWay(run.names('catalog'), ['frontend-1']);
      await run.sleep(2_000);
      run.healNetwork();
      await run.sleep(2_000);
      run.cutOneWay(run.names('catalog'), ['frontend-1']);
      await run.sleep(2_000);
      run.healNetwork();
    },
  },
  {
    name: 'the machine of a front-end is suspended past its lease: the lease expires although its monotonic clock stops',
    prepare: () => ({ environments: { 'frontend-1': suspendingClock() } }),
    script: async (run) => {
      for (const price of [77, 78]) {
        await waitForCacheHit(run, 0);
        // No revocation reaches the front-end, so only the end of its lease prevents a stale answer.
        run.cutOneWay(run.names('catalog'), ['frontend-1']);
        await run.pause('frontend-1');
        await setPrice(run, price, 1);
        const asked = assertPrice(run, price, 0);
        // Gives the request time to arrive in the socket of the paused process.
        await run.sleep(100);
        await run.resume('frontend-1');
        run.healNetwork();
        await asked;
        await run.waitForOrders(20);
      }
    },
  },
  {
    name: 'the clocks of replicas drift apart by 20%',
    needs: ['faketime'],
    prepare: (dataDir) => ({
      environments: {
        'replica-1': driftingClock(dataDir, 'replica-1', 0.9),
        'replica-2': driftingClock(dataDir, 'replica-2', 1.1),
      },
    }),
    script: async (run) => {
      await run.sleep(3_000);
      const leader = await run.waitForLeader();
      await run.kill(leader);
      await run.waitForOrders();
      await run.start(leader);
      await run.waitForOrders();
    },
  },
  {
    name: 'a front-end runs out of file descriptors: it refuses new connections and continues',
    needs: ['prlimit'],
    script: async (run) => {
      limitFileDescriptors(run, 'frontend-1', 2);
      const sockets = openIdleConnections(run, 'frontend-1', 30);
      await run.sleep(3_000);
      await run.waitForOrders();
      for (const socket of sockets) socket.destroy();
      limitFileDescriptors(run, 'frontend-1', null);
      await run.waitForOrders();
    },
  },
  {
    name: 'the leader runs out of file descriptors: it continues or stops, and no acknowledged order is lost',
    needs: ['prlimit'],
    script: async (run) => {
      const leader = await run.waitForLeader();
      run.expectExit(leader);
      limitFileDescriptors(run, leader, 1);
      const sockets = openIdleConnections(run, leader, 10);
      await run.sleep(4_000);
      await run.waitForOrders();
      for (const socket of sockets) socket.destroy();
      if (run.isUp(leader)) limitFileDescriptors(run, leader, null);
      await run.waitForOrders();
    },
  },
  {
    name: 'a catalog runs out of file descriptors: it continues or stops, and no client sees an error',
    needs: ['prlimit'],
    workload: { clientsWithShortTimeout: 0 },
    bounds: { errorsMax: 0 },
    script: async (run) => {
      run.expectExit('catalog-1');
      limitFileDescriptors(run, 'catalog-1', 1);
      const sockets = openIdleConnections(run, 'catalog-1', 10);
      await run.sleep(4_000);
      await run.waitForOrders();
      for (const socket of sockets) socket.destroy();
      if (run.isUp('catalog-1')) limitFileDescriptors(run, 'catalog-1', null);
      else await run.start('catalog-1');
      await run.waitForOrders();
    },
  },
];

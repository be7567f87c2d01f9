/** Clocks that are wrong and limits that are tight. */
import { limitDescriptors, occupy } from '../run/limits.js';
import { cacheFills, reprice, tellsPrice } from './quiet-stock.js';
import type { Scenario } from '../run/scenario.js';
import { driftingClock, jumpyWallClock, setWallClock, suspendingClock } from '../run/clocks.js';

const PROCESSES = [
  'catalog-1',
  'catalog-2',
  'replica-1',
  'replica-2',
  'replica-3',
  'frontend-1',
  'frontend-2',
];

export const SURROUNDINGS: readonly Scenario[] = [
  {
    name: 'the wall clock of each process jumps by an hour, forth and back',
    needs: ['faketime'],
    prepare: (dataDir) => ({
      hindrances: Object.fromEntries(PROCESSES.map((name) => [name, jumpyWallClock(dataDir, name)])),
    }),
    bounds: { gapMsMax: 2_500 },
    script: async (run) => {
      for (const time of ['+3600', '-3600', '+0']) {
        for (const name of PROCESSES) {
          run.note(`wall clock of ${name}: ${time} s`);
          setWallClock(run.dataDir, name, time);
          await run.progress(20);
        }
      }
    },
  },
  {
    name: 'the clock of a front-end runs 5 % slow and those of the catalogs 4 % fast: leases still hold',
    everyday: true,
    needs: ['faketime'],
    prepare: (dataDir) => ({
      hindrances: {
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
    name: 'the machine of a front-end is suspended past its lease: what its monotonic clock does not count ends it',
    everyday: true,
    prepare: () => ({ hindrances: { 'frontend-1': suspendingClock() } }),
    script: async (run) => {
      for (const price of [77, 78]) {
        await cacheFills(run, 0);
        // No revocation reaches it, so that only its lease can tell it what it may answer.
        run.cutOneWay(run.names('catalog'), ['frontend-1']);
        await run.pause('frontend-1');
        await reprice(run, price, 1);
        const asked = tellsPrice(run, price, 0);
        // Until the request waits in its socket.
        await run.sleep(100);
        await run.resume('frontend-1');
        run.healNetwork();
        await asked;
        await run.progress(20);
      }
    },
  },
  {
    name: 'the clocks of replicas drift apart by 20 %',
    needs: ['faketime'],
    prepare: (dataDir) => ({
      hindrances: {
        'replica-1': driftingClock(dataDir, 'replica-1', 0.9),
        'replica-2': driftingClock(dataDir, 'replica-2', 1.1),
      },
    }),
    script: async (run) => {
      await run.sleep(3_000);
      const leader = await run.leader();
      await run.kill(leader);
      await run.progress();
      await run.start(leader);
      await run.progress();
    },
  },
  {
    name: 'a front-end runs out of descriptors: it lets nobody new in, and goes on',
    needs: ['prlimit'],
    script: async (run) => {
      limitDescriptors(run, 'frontend-1', 2);
      const sockets = occupy(run, 'frontend-1', 30);
      await run.sleep(3_000);
      await run.progress();
      for (const socket of sockets) socket.destroy();
      limitDescriptors(run, 'frontend-1', null);
      await run.progress();
    },
  },
  {
    name: 'the leader runs out of descriptors: it goes on or stops, and loses nothing',
    needs: ['prlimit'],
    script: async (run) => {
      const leader = await run.leader();
      run.expectEnd(leader);
      limitDescriptors(run, leader, 1);
      const sockets = occupy(run, leader, 10);
      await run.sleep(4_000);
      await run.progress();
      for (const socket of sockets) socket.destroy();
      if (run.isUp(leader)) limitDescriptors(run, leader, null);
      await run.progress();
    },
  },
  {
    name: 'a catalog runs out of descriptors: it goes on or stops, and loses nothing',
    needs: ['prlimit'],
    workload: { impatient: 0 },
    bounds: { errorsMax: 0 },
    script: async (run) => {
      run.expectEnd('catalog-1');
      limitDescriptors(run, 'catalog-1', 1);
      const sockets = occupy(run, 'catalog-1', 10);
      await run.sleep(4_000);
      await run.progress();
      for (const socket of sockets) socket.destroy();
      if (run.isUp('catalog-1')) limitDescriptors(run, 'catalog-1', null);
      else await run.start('catalog-1');
      await run.progress();
    },
  },
];

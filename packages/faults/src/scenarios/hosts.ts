/** Processes on separate hosts between which packets are dropped: connections hang without an error. */
import type { ScenarioRun } from '../run/scenario-run.js';
import type { Scenario } from '../run/scenario.js';

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];
const ALL = [...REPLICAS, 'catalog-1', 'catalog-2', 'frontend-1', 'frontend-2'];

/** Each process on its own host, with the same name. */
const APART = Object.fromEntries(ALL.map((name) => [name, name]));

const TOGETHER: Readonly<Record<string, string>> = {
  'replica-1': 'host-1',
  'catalog-1': 'host-1',
  'frontend-1': 'host-1',
  'replica-2': 'host-2',
  'catalog-2': 'host-2',
  'frontend-2': 'host-2',
  'replica-3': 'host-3',
  'catalog-3': 'host-3',
};
const TOGETHER_HOSTS = ['host-1', 'host-2', 'host-3'];

const othersThan = (name: string): string[] => ALL.filter((other) => other !== name);

const NO_CLIENT_ERRORS = {
  workload: { clientsWithShortTimeout: 0 },
  bounds: { errorsMax: 0, gapMsMax: 2_500, lookupGapMsMax: 2_500 },
} as const;

async function heal(run: ScenarioRun): Promise<void> {
  await run.hosts.heal();
  await run.waitForOrders();
}

export const HOSTS: readonly Scenario[] = [
  {
    name: 'each process on its own host: the leader is cut off in both directions',
    needs: ['hosts'],
    hosts: APART,
    bounds: { gapMsMax: 4_000 },
    script: async (run) => {
      for (let i = 0; i < 2; i += 1) {
        const leader = await run.waitForLeader();
        await run.hosts.cut([leader], othersThan(leader));
        await run.waitForOtherLeader(leader);
        await run.waitForOrders();
        await heal(run);
      }
    },
  },
  {
    name: 'each process on its own host: packets from the leader are lost, then packets to it',
    needs: ['hosts'],
    hosts: APART,
    bounds: { gapMsMax: 4_000 },
    script: async (run) => {
      const first = await run.waitForLeader();
      await run.hosts.cutOneWay([first], othersThan(first));
      await run.waitForOtherLeader(first);
      await run.waitForOrders();
      await heal(run);
      const second = await run.waitForLeader();
      await run.hosts.cutOneWay(othersThan(second), [second]);
      await run.waitForOtherLeader(second);
      await run.waitForOrders();
      await heal(run);
    },
  },
  {
    name: 'each process on its own host: packets to a catalog are lost, then packets from it, and no client sees an error',
    needs: ['hosts'],
    hosts: APART,
    ...NO_CLIENT_ERRORS,
    script: async (run) => {
      for (const catalog of ['catalog-1', 'catalog-2']) {
        await run.hosts.cutOneWay(othersThan(catalog), [catalog]);
        await run.sleep(1_500);
        await heal(run);
        await run.hosts.cutOneWay([catalog], othersThan(catalog));
        await run.sleep(1_500);
        await heal(run);
      }
    },
  },
  {
    name: 'each process on its own host: packets from catalogs to a front-end are lost, then packets back, and its cache is never stale',
    needs: ['hosts'],
    hosts: APART,
    ...NO_CLIENT_ERRORS,
    script: async (run) => {
      await run.hosts.cutOneWay(run.names('catalog'), ['frontend-1']);
      await run.sleep(2_000);
      await run.waitForOrders();
      await heal(run);
      await run.hosts.cutOneWay(['frontend-1'], run.names('catalog'));
      await run.sleep(2_000);
      await run.waitForOrders();
      await heal(run);
    },
  },
  {
    name: 'a host with the leader, a catalog and a front-end is cut off: clients of the other front-end see no error',
    needs: ['hosts'],
    hosts: TOGETHER,
    cluster: { catalogs: 3 },
    workload: { clientsWithShortTimeout: 0, frontends: [1] },
    bounds: { errorsMax: 0, gapMsMax: 4_000 },
    script: async (run) => {
      // The preferred catalog of frontend-2 is on host-1 too.
      for (let i = 0; i < 2; i += 1) {
        if ((await run.waitForLeader()) !== 'replica-1') await run.transferLeadership('1');
        await run.hosts.cut(['host-1'], ['host-2', 'host-3']);
        await run.waitForOtherLeader('replica-1');
        await run.waitForOrders(60);
        await heal(run);
      }
    },
  },
  {
    name: 'three hosts with a replica and a catalog each, two of them with a front-end: each host is cut off in turn',
    needs: ['hosts'],
    hosts: TOGETHER,
    cluster: { catalogs: 3 },
    script: async (run) => {
      for (const host of TOGETHER_HOSTS) {
        await run.hosts.cut(
          [host],
          TOGETHER_HOSTS.filter((other) => other !== host),
        );
        await run.sleep(3_000);
        await heal(run);
      }
    },
  },
  {
    name: 'a tenth of all packets between replicas is lost, then a third of all packets that the leader sends',
    needs: ['hosts'],
    hosts: APART,
    script: async (run) => {
      await run.hosts.dropPackets(REPLICAS, REPLICAS, 0.1);
      await run.waitForOrders(100);
      const leader = await run.waitForLeader();
      await run.hosts.dropPackets([leader], othersThan(leader), 0.33);
      await run.sleep(4_000);
      await heal(run);
    },
  },
];

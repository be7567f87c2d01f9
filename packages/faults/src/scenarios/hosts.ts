/** Processes on hosts of their own, cut off from each other in the network itself: connections hang and nothing says why. */
import type { Run } from '../run/run.js';
import type { Scenario } from '../run/scenario.js';

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];
const ALL = [...REPLICAS, 'catalog-1', 'catalog-2', 'frontend-1', 'frontend-2'];

/** Each process on a host that has its name. */
const APART = Object.fromEntries(ALL.map((name) => [name, name]));

const TOGETHER: Readonly<Record<string, string>> = {
  ...{ 'replica-1': 'host-1', 'catalog-1': 'host-1', 'frontend-1': 'host-1' },
  ...{ 'replica-2': 'host-2', 'catalog-2': 'host-2', 'frontend-2': 'host-2' },
  ...{ 'replica-3': 'host-3', 'catalog-3': 'host-3' },
};
const TOGETHER_HOSTS = ['host-1', 'host-2', 'host-3'];

const othersThan = (name: string): string[] => ALL.filter((other) => other !== name);

const UNSEEN = {
  workload: { impatient: 0 },
  bounds: { errorsMax: 0, gapMsMax: 2_500, lookupGapMsMax: 2_500 },
} as const;

async function healed(run: Run): Promise<void> {
  await run.hosts.heal();
  await run.progress();
}

export const HOSTS: readonly Scenario[] = [
  {
    name: 'each process on a host of its own: the leader is cut off in the network, both ways',
    needs: ['hosts'],
    hosts: APART,
    everyday: true,
    bounds: { gapMsMax: 4_000 },
    script: async (run) => {
      for (let i = 0; i < 2; i += 1) {
        const leader = await run.leader();
        await run.hosts.cut([leader], othersThan(leader));
        await run.newLeader(leader);
        await run.progress();
        await healed(run);
      }
    },
  },
  {
    name: 'each process on a host of its own: what the leader sends gets lost, then what is sent to it',
    needs: ['hosts'],
    hosts: APART,
    bounds: { gapMsMax: 4_000 },
    script: async (run) => {
      const first = await run.leader();
      await run.hosts.cutOneWay([first], othersThan(first));
      await run.newLeader(first);
      await run.progress();
      await healed(run);
      const second = await run.leader();
      await run.hosts.cutOneWay(othersThan(second), [second]);
      await run.newLeader(second);
      await run.progress();
      await healed(run);
    },
  },
  {
    name: 'each process on a host of its own: a catalog hears nobody, then nobody hears it, and no client sees an error',
    needs: ['hosts'],
    hosts: APART,
    ...UNSEEN,
    script: async (run) => {
      for (const catalog of ['catalog-1', 'catalog-2']) {
        await run.hosts.cutOneWay(othersThan(catalog), [catalog]);
        await run.sleep(1_500);
        await healed(run);
        await run.hosts.cutOneWay([catalog], othersThan(catalog));
        await run.sleep(1_500);
        await healed(run);
      }
    },
  },
  {
    name: 'each process on a host of its own: a front-end hears nothing of the catalogs, then tells them nothing, and its cache misleads nobody',
    needs: ['hosts'],
    hosts: APART,
    ...UNSEEN,
    script: async (run) => {
      await run.hosts.cutOneWay(run.names('catalog'), ['frontend-1']);
      await run.sleep(2_000);
      await run.progress();
      await healed(run);
      await run.hosts.cutOneWay(['frontend-1'], run.names('catalog'));
      await run.sleep(2_000);
      await run.progress();
      await healed(run);
    },
  },
  {
    name: 'the leader, a catalog and a front-end of one host are cut off together: clients of the other front-end see no error',
    needs: ['hosts'],
    hosts: TOGETHER,
    cluster: { catalogs: 3 },
    workload: { impatient: 0, frontends: [1] },
    bounds: { errorsMax: 0, gapMsMax: 4_000 },
    script: async (run) => {
      // The catalog that frontend-2 prefers is on host-1, too.
      for (let i = 0; i < 2; i += 1) {
        if ((await run.leader()) !== 'replica-1') await run.transfer('1');
        await run.hosts.cut(['host-1'], ['host-2', 'host-3']);
        await run.newLeader('replica-1');
        await run.progress(60);
        await healed(run);
      }
    },
  },
  {
    name: 'three hosts with a replica, a catalog and mostly a front-end each: every host is cut off in turn',
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
        await healed(run);
      }
    },
  },
  {
    name: 'a tenth of all packets between replicas is lost, then a third of those of the leader',
    needs: ['hosts'],
    hosts: APART,
    script: async (run) => {
      await run.hosts.lose(REPLICAS, REPLICAS, 0.1);
      await run.progress(100);
      const leader = await run.leader();
      await run.hosts.lose([leader], othersThan(leader), 0.33);
      await run.sleep(4_000);
      await healed(run);
    },
  },
];

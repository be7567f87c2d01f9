/** Processes on hosts of their own, cut off from each other in the network itself: connections hang and nothing says why. */
import type { Run } from '../run/run.js';
import type { Scenario } from '../run/scenario.js';

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];
const ALL = [...REPLICAS, 'catalog-1', 'catalog-2', 'frontend-1', 'frontend-2'];

/** Each process on a host that has its name. */
const APART = Object.fromEntries(ALL.map((name) => [name, name]));

const TOGETHER: Readonly<Record<string, string>> = {
  ...{ 'replica-1': 'host-1', 'frontend-1': 'host-1' },
  ...{ 'replica-2': 'host-2', 'frontend-2': 'host-2' },
  ...{ 'replica-3': 'host-3', 'catalog-1': 'host-3', 'catalog-2': 'host-1' },
};

const othersThan = (name: string): string[] => ALL.filter((other) => other !== name);

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
    name: 'each process on a host of its own: a catalog hears nobody, then nobody hears it',
    needs: ['hosts'],
    hosts: APART,
    script: async (run) => {
      await run.hosts.cutOneWay(othersThan('catalog-1'), ['catalog-1']);
      await run.sleep(3_000);
      await healed(run);
      await run.hosts.cutOneWay(['catalog-1'], othersThan('catalog-1'));
      await run.sleep(3_000);
      await healed(run);
    },
  },
  {
    name: 'each process on a host of its own: a front-end hears nothing of the catalogs, then tells them nothing, and its cache misleads nobody',
    needs: ['hosts'],
    hosts: APART,
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
    name: 'three hosts with a replica and another process each: every host is cut off in turn',
    needs: ['hosts'],
    hosts: TOGETHER,
    script: async (run) => {
      for (const host of ['host-1', 'host-2', 'host-3']) {
        await run.hosts.cut(
          [host],
          ['host-1', 'host-2', 'host-3'].filter((other) => other !== host),
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

/** Links between processes are cut in one or both directions, once or repeatedly, or degraded. */
import { ScenarioError } from '../run/scenario-run.js';
import type { Scenario } from '../run/scenario.js';

export const PARTITIONS: readonly Scenario[] = [
  {
    name: 'the leader is cut off from its peers but not from the front-ends',
    everyday: true,
    script: async (run) => {
      const leader = await run.waitForLeader();
      run.cut([leader], await run.waitForFollowers());
      await run.waitForOtherLeader(leader);
      await run.waitForOrders();
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'the leader is cut off from all other processes',
    script: async (run) => {
      for (let i = 0; i < 2; i += 1) {
        const leader = await run.waitForLeader();
        run.isolate(leader);
        await run.waitForOtherLeader(leader);
        await run.waitForOrders();
        run.healNetwork();
        await run.waitForOrders();
      }
    },
  },
  {
    name: 'the followers are partitioned with one front-end, the leader with the other, and catalogs reach both sides',
    script: async (run) => {
      const leader = await run.waitForLeader();
      const followers = await run.waitForFollowers();
      run.cut([leader, 'frontend-1'], [...followers, 'frontend-2']);
      await run.waitForOtherLeader(leader);
      await run.waitForOrders(20);
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'the leader of five replicas is partitioned with a minority',
    cluster: { replicas: 5 },
    script: async (run) => {
      const leader = await run.waitForLeader();
      const [with1 = '', ...others] = await run.waitForFollowers();
      run.cut([leader, with1], others);
      await run.waitForOtherLeader(leader);
      await run.waitForOrders();
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'the leader of five replicas is partitioned with a majority',
    cluster: { replicas: 5 },
    bounds: { gapMsMax: 1_000 },
    script: async (run) => {
      const leader = await run.waitForLeader();
      const [with1 = '', with2 = '', ...others] = await run.waitForFollowers();
      run.cut([leader, with1, with2], others);
      await run.waitForOrders(200);
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'the leader can send to its followers but receives nothing from them',
    script: async (run) => {
      const leader = await run.waitForLeader();
      run.cutOneWay(await run.waitForFollowers(), [leader]);
      await run.waitForOtherLeader(leader);
      await run.waitForOrders();
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'the leader receives from its followers but cannot send to them',
    script: async (run) => {
      const leader = await run.waitForLeader();
      run.cutOneWay([leader], await run.waitForFollowers());
      await run.waitForOtherLeader(leader);
      await run.waitForOrders();
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'a follower receives nothing from the leader but can send: it must not disrupt the leader',
    bounds: { gapMsMax: 1_500 },
    script: async (run) => {
      const leader = await run.waitForLeader();
      const [follower = ''] = await run.waitForFollowers();
      run.cutOneWay([leader], [follower]);
      await run.sleep(3_000);
      await run.waitForOrders();
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'five replicas form a ring in which each reaches only its neighbors',
    cluster: { replicas: 5 },
    script: async (run) => {
      const replicas = run.names('replica');
      replicas.forEach((name, i) => {
        run.cut([name], [replicas[(i + 2) % 5] ?? '']);
      });
      await run.sleep(4_000);
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'one of three links is cut: the leader and one follower cannot communicate',
    script: async (run) => {
      const leader = await run.waitForLeader();
      const [follower = ''] = await run.waitForFollowers();
      run.cut([leader], [follower]);
      await run.sleep(4_000);
      await run.waitForOrders();
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'followers are cut off from each other, and the leader is killed',
    script: async (run) => {
      const [one = '', other = ''] = await run.waitForFollowers();
      run.cut([one], [other]);
      await run.waitForOrders(100);
      const leader = await run.waitForLeader();
      await run.kill(leader);
      await run.sleep(1_000);
      await run.start(leader);
      await run.waitForOrders();
    },
  },
  {
    name: 'links between replicas flap every 200 ms for 30 s',
    script: async (run) => {
      const replicas = run.names('replica');
      run.note('flap links for 30 s');
      const until = performance.now() + 30_000;
      while (performance.now() < until) {
        const one = replicas[run.random.below(replicas.length)] ?? '';
        const others = replicas.filter((name) => name !== one);
        if (run.random.chance(0.5)) run.network.cut([one], others);
        else run.network.cutOneWay([one], others);
        await run.sleep(200);
        run.network.heal();
        await run.sleep(run.random.below(200));
      }
      await run.waitForOrders();
    },
  },
  {
    name: 'connections between all processes are reset repeatedly',
    script: async (run) => {
      const names = run.names();
      run.note('reset random connections for 6 s');
      for (let i = 0; i < 60; i += 1) {
        const one = names[run.random.below(names.length)] ?? '';
        const other = names[run.random.below(names.length)] ?? '';
        run.network.reset(one, other);
        await run.sleep(100);
      }
      await run.waitForOrders();
    },
  },
  {
    name: 'all links have delay and jitter',
    script: async (run) => {
      run.note('delay every link by 20 to 60 ms');
      for (const name of run.names()) run.network.degradeAll(name, { delayMs: 20, jitterMs: 40 });
      await run.sleep(6_000);
      await run.waitForOrders();
      run.healNetwork();
    },
  },
  {
    name: 'a slow link to one follower reduces throughput by less than a third, and the follower catches up',
    bounds: { gapMsMax: 1_000 },
    script: async (run) => {
      const before = await run.ordersPerSecond(10_000);
      const leader = await run.waitForLeader();
      const [follower = ''] = await run.waitForFollowers();
      run.note(`limit ${leader} to ${follower} to 2 kB/s`);
      run.network.degrade(leader, follower, { bytesPerSecond: 2_000 });
      const during = await run.ordersPerSecond(60_000);
      run.healNetwork();
      // Other load on the machine varies, so throughput is measured before and after.
      const after = await run.ordersPerSecond(10_000);
      run.note(
        `orders/s before, during and after: ${[before, during, after].map((rate) => rate.toFixed(0)).join(', ')}`,
      );
      const share = during / Math.min(before, after);
      if (share < 2 / 3)
        throw new ScenarioError(`throughput fell to ${(share * 100).toFixed(0)}% of normal; required: 67%`);
    },
  },
  {
    name: 'bytes between replicas are corrupted: no book contains an order that no client placed',
    script: async (run) => {
      const replicas = run.names('replica');
      run.note('flip a bit in 2% of the pieces between replicas');
      for (const one of replicas) {
        for (const other of replicas) run.network.degrade(one, other, { corruption: 0.02 });
      }
      await run.sleep(6_000);
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'bytes between all processes are corrupted: no book contains an order that no client placed',
    script: async (run) => {
      const names = run.names();
      run.note('flip a bit in 2% of the pieces between processes');
      for (const one of names) {
        for (const other of names) run.network.degrade(one, other, { corruption: 0.02 });
      }
      await run.sleep(6_000);
      run.healNetwork();
      await run.waitForOrders();
    },
  },
];

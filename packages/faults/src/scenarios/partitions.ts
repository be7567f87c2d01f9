/** Links between processes break: wholly, one way only, for a moment or again and again. */
import { ScenarioError } from '../run/run.js';
import type { Scenario } from '../run/scenario.js';

export const PARTITIONS: readonly Scenario[] = [
  {
    name: 'the leader is isolated from its peers with front-ends attached',
    everyday: true,
    script: async (run) => {
      const leader = await run.leader();
      run.cut([leader], await run.followers());
      await run.newLeader(leader);
      await run.progress();
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'the leader is isolated from everything',
    script: async (run) => {
      for (let i = 0; i < 2; i += 1) {
        const leader = await run.leader();
        run.isolate(leader);
        await run.newLeader(leader);
        await run.progress();
        run.healNetwork();
        await run.progress();
      }
    },
  },
  {
    name: 'a majority of followers goes with one front-end, the leader stays with the other; catalogs see both',
    script: async (run) => {
      const leader = await run.leader();
      const followers = await run.followers();
      run.cut([leader, 'frontend-1'], [...followers, 'frontend-2']);
      await run.newLeader(leader);
      await run.progress(20);
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'of five replicas the leader keeps a minority',
    cluster: { replicas: 5 },
    script: async (run) => {
      const leader = await run.leader();
      const [with1 = '', ...others] = await run.followers();
      run.cut([leader, with1], others);
      await run.newLeader(leader);
      await run.progress();
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'of five replicas the leader keeps a majority',
    cluster: { replicas: 5 },
    bounds: { gapMsMax: 1_000 },
    script: async (run) => {
      const leader = await run.leader();
      const [with1 = '', with2 = '', ...others] = await run.followers();
      run.cut([leader, with1, with2], others);
      await run.progress(200);
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'the leader can send to its followers and hear nothing from them',
    everyday: true,
    script: async (run) => {
      const leader = await run.leader();
      run.cutOneWay(await run.followers(), [leader]);
      await run.newLeader(leader);
      await run.progress();
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'the leader can hear its followers and not send to them',
    script: async (run) => {
      const leader = await run.leader();
      run.cutOneWay([leader], await run.followers());
      await run.newLeader(leader);
      await run.progress();
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'a follower can send and hear nothing: it must not unseat the leader',
    bounds: { gapMsMax: 1_500 },
    script: async (run) => {
      const leader = await run.leader();
      const [follower = ''] = await run.followers();
      run.cutOneWay([leader], [follower]);
      await run.sleep(3_000);
      await run.progress();
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'five replicas in a ring, each seeing its neighbours only',
    cluster: { replicas: 5 },
    script: async (run) => {
      const replicas = run.names('replica');
      replicas.forEach((name, i) => {
        run.cut([name], [replicas[(i + 2) % 5] ?? '']);
      });
      await run.sleep(4_000);
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'one link of three is cut: the leader and one follower do not see each other',
    script: async (run) => {
      const leader = await run.leader();
      const [follower = ''] = await run.followers();
      run.cut([leader], [follower]);
      await run.sleep(4_000);
      await run.progress();
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'followers are cut from each other and see the leader only, which dies',
    script: async (run) => {
      const [one = '', other = ''] = await run.followers();
      run.cut([one], [other]);
      await run.progress(100);
      const leader = await run.leader();
      await run.kill(leader);
      await run.sleep(1_000);
      await run.start(leader);
      await run.progress();
    },
  },
  {
    name: 'links between replicas flap every 200 ms for 30 s',
    script: async (run) => {
      const replicas = run.names('replica');
      run.note('links flap for 30 s');
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
      await run.progress();
    },
  },
  {
    name: 'connections between all processes are reset again and again',
    script: async (run) => {
      const names = run.names();
      run.note('resets for 6 s');
      for (let i = 0; i < 60; i += 1) {
        const one = names[run.random.below(names.length)] ?? '';
        const other = names[run.random.below(names.length)] ?? '';
        run.network.reset(one, other);
        await run.sleep(100);
      }
      await run.progress();
    },
  },
  {
    name: 'links are slow and uneven: delay and jitter everywhere',
    script: async (run) => {
      run.note('20 ms and up to 40 ms more on every link');
      for (const name of run.names()) run.network.degradeAll(name, { delayMs: 20, jitterMs: 40 });
      await run.sleep(6_000);
      await run.progress();
      run.healNetwork();
    },
  },
  {
    name: 'a slow link to one follower for a minute slows the others by less than a third, and it catches up',
    bounds: { gapMsMax: 1_000 },
    script: async (run) => {
      const before = await run.ordersPerSecond(10_000);
      const leader = await run.leader();
      const [follower = ''] = await run.followers();
      run.note(`2 kB a second from ${leader} to ${follower}`);
      run.network.degrade(leader, follower, { bytesPerSecond: 2_000 });
      const during = await run.ordersPerSecond(60_000);
      run.healNetwork();
      // What this machine does besides changes, too: it is measured on both sides.
      const after = await run.ordersPerSecond(10_000);
      run.note(`orders a second: ${[before, during, after].map((rate) => rate.toFixed(0)).join(', ')}`);
      const share = during / Math.min(before, after);
      if (share < 2 / 3) throw new ScenarioError(`orders flowed at ${(share * 100).toFixed(0)} %`);
    },
  },
  {
    name: 'bytes are damaged on their way between replicas: no book holds what nobody ordered',
    script: async (run) => {
      const replicas = run.names('replica');
      run.note('one piece in 50 between replicas arrives with a flipped bit');
      for (const one of replicas) {
        for (const other of replicas) run.network.degrade(one, other, { corruption: 0.02 });
      }
      await run.sleep(6_000);
      run.healNetwork();
      await run.progress();
    },
  },
  {
    name: 'bytes are damaged on their way between all processes: no book holds what nobody ordered',
    script: async (run) => {
      const names = run.names();
      run.note('one piece in 50 between processes arrives with a flipped bit');
      for (const one of names) {
        for (const other of names) run.network.degrade(one, other, { corruption: 0.02 });
      }
      await run.sleep(6_000);
      run.healNetwork();
      await run.progress();
    },
  },
];

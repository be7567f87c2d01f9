/** Logs that are cut short behind the book, replicas that have to be fed by a snapshot, and keys older than the log. */
import type { Run } from '../run/run.js';
import type { Preparation, Scenario } from '../run/scenario.js';

/** So short that every replica compacts many times in a scenario, and a replica that sleeps needs a snapshot. */
const SHORT_LOG = { TRIREME_COMPACT_ENTRIES: '40', TRIREME_COMPACT_KEEP: '10' };

function withShortLogs(): Preparation {
  const names = ['replica-1', 'replica-2', 'replica-3'];
  return { hindrances: Object.fromEntries(names.map((name) => [name, { env: SHORT_LOG }])) };
}

/** A field of what a replica says of itself. */
async function told(run: Run, name: string, field: 'firstIndex' | 'lastIndex' | 'applied'): Promise<number> {
  const url = run.cluster.describe().processes.find(({ id }) => id === name)?.url ?? '';
  const status = (await (await fetch(`${url}/status`)).json()) as Readonly<Record<string, unknown>>;
  return Number(status[field]);
}

/** Has a follower sleep until the leader's log begins behind what it has. @returns who slept, up again and caught up. */
async function sleepThroughCompaction(run: Run): Promise<string> {
  const [sleeper = ''] = await run.followers();
  const slept = await told(run, sleeper, 'lastIndex');
  await run.kill(sleeper);
  const leader = await run.leader();
  await run.until(
    'the leader has compacted what the sleeper needs',
    async () => (await told(run, leader, 'firstIndex')) > slept + 20,
  );
  await run.start(sleeper);
  const goal = await told(run, leader, 'applied');
  await run.until('the sleeper has caught up', async () => (await told(run, sleeper, 'applied')) >= goal);
  return sleeper;
}

/** Stops whoever leads, for as long as it is not the one that should. */
async function makeLeader(run: Run, name: string): Promise<void> {
  for (;;) {
    const leader = await run.leader();
    if (leader === name) return;
    await run.kill(leader, 'SIGTERM');
    await run.newLeader(leader);
    await run.start(leader);
    await run.progress(20);
  }
}

export const COMPACTION: readonly Scenario[] = [
  {
    name: 'a retry with an old key after its log entry was compacted, and through a leader that was fed by a snapshot',
    everyday: true,
    bounds: { errorsMax: 0 },
    workload: { unkeyed: 0, impatient: 0, oldShare: 0.3 },
    prepare: withShortLogs,
    script: async (run) => {
      const fed = await sleepThroughCompaction(run);
      await makeLeader(run, fed);
      run.note(`${fed}, which was fed by a snapshot, leads`);
      await run.progress(150);
    },
  },
  {
    name: 'a follower is killed again and again while a snapshot is on its way to it',
    bounds: { errorsMax: 0 },
    workload: { impatient: 0 },
    prepare: withShortLogs,
    script: async (run) => {
      for (let i = 0; i < 4; i += 1) {
        const sleeper = await sleepThroughCompaction(run);
        await run.kill(sleeper);
        await run.progress(150);
        await run.cluster.startProcess(sleeper);
        await run.sleep(100 + run.random.below(400));
        await run.kill(sleeper);
        await run.start(sleeper);
        await run.progress();
      }
    },
  },
  {
    name: 'the leader is killed while a follower waits for its snapshot',
    workload: { oldShare: 0.2 },
    prepare: withShortLogs,
    script: async (run) => {
      for (let i = 0; i < 3; i += 1) {
        const [sleeper = ''] = await run.followers();
        await run.kill(sleeper);
        await run.progress(150);
        const leader = await run.leader();
        await run.cluster.startProcess(sleeper);
        await run.sleep(50 + run.random.below(400));
        await run.kill(leader);
        await run.newLeader(leader);
        await run.progress();
        await run.start(leader);
      }
    },
  },
];

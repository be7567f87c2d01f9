/** Logs that are cut short behind the book, replicas that have to be fed by a snapshot, and keys older than the log. */
import { ScenarioError, type Run } from '../run/run.js';
import type { Preparation, Scenario } from '../run/scenario.js';

/** So short that every replica compacts many times in a scenario, and a replica that sleeps needs a snapshot. */
const SHORT_LOG = { TRIREME_COMPACT_ENTRIES: '40', TRIREME_COMPACT_KEEP: '10' };

function withShortLogs(): Preparation {
  const names = ['replica-1', 'replica-2', 'replica-3'];
  return { hindrances: Object.fromEntries(names.map((name) => [name, { env: SHORT_LOG }])) };
}

/** How long a transfer may stand still, in milliseconds, as the transport has it. */
const STALL_MS = 20_000;
const SLOW_BYTES_PER_SECOND = 6_000;

/** A field of what a replica says of itself. */
async function told(run: Run, name: string, field: 'firstIndex' | 'lastIndex' | 'applied'): Promise<number> {
  const url = run.cluster.describe().processes.find(({ id }) => id === name)?.url ?? '';
  const status = (await (await fetch(`${url}/status`)).json()) as Readonly<Record<string, unknown>>;
  return Number(status[field]);
}

/** How often something has happened with the snapshots of a replica since it started. */
async function snapshotEvents(run: Run, name: string, event: string): Promise<number> {
  const url = run.cluster.describe().processes.find(({ id }) => id === name)?.url ?? '';
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text
    .split('\n')
    .find((one) => one.includes('snapshot_events_total') && one.includes(`"${event}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Far more than the log keeps for everyone. */
const LAG = 200;
/** Hardly more than heartbeats take, so that the link stays up. */
const LAGGING_BYTES_PER_SECOND = 1_000;
const CATCHING_UP_BYTES_PER_SECOND = 40_000;

/**
 * Slows the link to a follower down until it lags, then lets it close in. @returns whether one leader fed it all the time:
 * another one has a log of its own, which it did not keep for the follower
 */
async function lagAndCloseIn(run: Run): Promise<boolean> {
  const leader = await run.leader();
  const [slow = ''] = await run.followers();
  const lag = async (): Promise<number> =>
    (await told(run, leader, 'lastIndex')) - (await told(run, slow, 'lastIndex'));
  run.network.degrade(leader, slow, { bytesPerSecond: LAGGING_BYTES_PER_SECOND });
  await run.until(`${slow} lags`, async () => (await lag()) > LAG, 120_000);
  run.note(`${slow} lags by ${await lag()} entries`);
  // What is on its way is lost. All of it comes again, which the log has to have kept, at a rate that catches up.
  run.network.degrade(leader, slow, { bytesPerSecond: CATCHING_UP_BYTES_PER_SECOND });
  run.network.reset(leader, slow);
  await run.until(`${slow} has closed in`, async () => (await lag()) < LAG / 8, 60_000);
  const isSame = (await run.leader()) === leader;
  const sent = await snapshotEvents(run, leader, 'snapshotSending');
  run.healNetwork();
  if (isSame && sent > 0) throw new ScenarioError(`${leader} sent ${sent} snapshots`);
  return isSame;
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
    name: 'a follower closes in over a slow link while logs are compacted: it is fed from the log, without a snapshot',
    bounds: { errorsMax: 0 },
    workload: { impatient: 0, clients: 12, pauseMs: 0 },
    prepare: withShortLogs,
    script: async (run) => {
      for (let tries = 0; !(await lagAndCloseIn(run)); tries += 1) {
        if (tries === 2) throw new ScenarioError('no leader stayed');
      }
      await run.progress();
    },
  },
  {
    name: 'a snapshot trickles through a link that holds all of it for half a minute: slow is no failure',
    bounds: { errorsMax: 0 },
    workload: { impatient: 0 },
    prepare: withShortLogs,
    script: async (run) => {
      const [sleeper = ''] = await run.followers();
      await run.kill(sleeper);
      await run.progress(1_500);
      const leader = await run.leader();
      run.network.degrade(leader, sleeper, { bytesPerSecond: SLOW_BYTES_PER_SECOND });
      await run.cluster.startProcess(sleeper);
      await run.until(
        'a snapshot begins',
        async () => (await snapshotEvents(run, leader, 'snapshotSending')) > 0,
      );
      const startedAt = run.now();
      const goal = await told(run, leader, 'firstIndex');
      await run.until('it has come', async () => (await told(run, sleeper, 'applied')) >= goal, 120_000);
      const tookMs = run.now() - startedAt;
      run.note(`the snapshot took ${tookMs} ms`);
      if (tookMs < STALL_MS) throw new ScenarioError(`it took only ${tookMs} ms, which shows nothing`);
      if ((await run.leader()) !== leader) throw new ScenarioError(`${leader} does not lead any more`);
      run.healNetwork();
      await run.progress();
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

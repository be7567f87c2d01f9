/** Compacted logs, replicas that need a snapshot, and idempotency keys older than the log. */
import { ScenarioError, type ScenarioRun } from '../run/scenario-run.js';
import type { Preparation, Scenario } from '../run/scenario.js';

/**
 * Short logs, so that replicas compact many times in a scenario, and a replica that was down needs a
 * snapshot.
 */
const SHORT_LOG = { TRIREME_COMPACT_ENTRIES: '40', TRIREME_COMPACT_KEEP: '10' };

function withShortLogs(): Preparation {
  const names = ['replica-1', 'replica-2', 'replica-3'];
  return { environments: Object.fromEntries(names.map((name) => [name, { env: SHORT_LOG }])) };
}

/** Timeout of the transport for a transfer without progress, in milliseconds. */
const STALL_MS = 20_000;
const SLOW_BYTES_PER_SECOND = 6_000;

/** A field of a replica's status. */
async function statusField(
  run: ScenarioRun,
  name: string,
  field: 'firstIndex' | 'lastIndex' | 'applied',
): Promise<number> {
  const url = run.cluster.describe().processes.find(({ id }) => id === name)?.url ?? '';
  const status = (await (await fetch(`${url}/status`)).json()) as Readonly<Record<string, unknown>>;
  return Number(status[field]);
}

/** Number of snapshot events of a kind on a replica since its start. */
async function snapshotEvents(run: ScenarioRun, name: string, event: string): Promise<number> {
  const url = run.cluster.describe().processes.find(({ id }) => id === name)?.url ?? '';
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text
    .split('\n')
    .find((one) => one.includes('snapshot_events_total') && one.includes(`"${event}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Far more entries than compaction keeps. */
const LAG = 200;
/** Little more than heartbeats need, so that the link stays up. */
const LAGGING_BYTES_PER_SECOND = 1_000;
const CATCHING_UP_BYTES_PER_SECOND = 40_000;

/**
 * Slows down the link to a follower until it lags, then lets it catch up. @returns whether the leader stayed
 * the same; a new leader has not kept its log for the follower
 */
async function lagAndCatchUp(run: ScenarioRun): Promise<boolean> {
  const leader = await run.waitForLeader();
  const [slow = ''] = await run.waitForFollowers();
  const lag = async (): Promise<number> =>
    (await statusField(run, leader, 'lastIndex')) - (await statusField(run, slow, 'lastIndex'));
  run.network.degrade(leader, slow, { bytesPerSecond: LAGGING_BYTES_PER_SECOND });
  await run.waitUntil(`${slow} lags`, async () => (await lag()) > LAG, 120_000);
  run.note(`${slow} lags by ${await lag()} entries`);
  // Entries in flight are lost and sent again, so the log must have kept them; the new rate allows the
  // follower to catch up.
  run.network.degrade(leader, slow, { bytesPerSecond: CATCHING_UP_BYTES_PER_SECOND });
  run.network.reset(leader, slow);
  await run.waitUntil(`${slow} has caught up`, async () => (await lag()) < LAG / 8, 60_000);
  const isSame = (await run.waitForLeader()) === leader;
  const sent = await snapshotEvents(run, leader, 'snapshotSending');
  run.healNetwork();
  if (isSame && sent > 0) throw new ScenarioError(`${leader} sent ${sent} snapshots instead of log entries`);
  return isSame;
}

/**
 * Stops a follower until the leader has compacted entries that it needs.
 * @returns the follower, restarted and caught up
 */
async function restoreFromSnapshot(run: ScenarioRun): Promise<string> {
  const [follower = ''] = await run.waitForFollowers();
  const lastIndex = await statusField(run, follower, 'lastIndex');
  await run.kill(follower);
  const leader = await run.waitForLeader();
  await run.waitUntil(
    'the leader has compacted entries that the follower needs',
    async () => (await statusField(run, leader, 'firstIndex')) > lastIndex + 20,
  );
  await run.start(follower);
  const goal = await statusField(run, leader, 'applied');
  await run.waitUntil(
    'the follower has caught up',
    async () => (await statusField(run, follower, 'applied')) >= goal,
  );
  return follower;
}

/** Restarts the current leader until the given replica leads. */
async function makeLeader(run: ScenarioRun, name: string): Promise<void> {
  for (;;) {
    const leader = await run.waitForLeader();
    if (leader === name) return;
    await run.kill(leader, 'SIGTERM');
    await run.waitForOtherLeader(leader);
    await run.start(leader);
    await run.waitForOrders(20);
  }
}

export const COMPACTION: readonly Scenario[] = [
  {
    name: 'old keys are retried after their log entries were compacted, through a leader restored from a snapshot',
    bounds: { errorsMax: 0 },
    workload: { clientsWithoutKeys: 0, clientsWithShortTimeout: 0, oldKeyShare: 0.3 },
    prepare: withShortLogs,
    script: async (run) => {
      const restored = await restoreFromSnapshot(run);
      await makeLeader(run, restored);
      run.note(`${restored}, which was restored from a snapshot, leads`);
      await run.waitForOrders(150);
    },
  },
  {
    name: 'a follower is killed repeatedly while it receives a snapshot',
    bounds: { errorsMax: 0 },
    workload: { clientsWithShortTimeout: 0 },
    prepare: withShortLogs,
    script: async (run) => {
      for (let i = 0; i < 4; i += 1) {
        const follower = await restoreFromSnapshot(run);
        await run.kill(follower);
        await run.waitForOrders(150);
        await run.cluster.startProcess(follower);
        await run.sleep(100 + run.random.below(400));
        await run.kill(follower);
        await run.start(follower);
        await run.waitForOrders();
      }
    },
  },
  {
    name: 'a follower catches up over a slow link while logs are compacted: it gets log entries, not a snapshot',
    bounds: { errorsMax: 0 },
    workload: { clientsWithShortTimeout: 0, clients: 12, pauseMs: 0 },
    prepare: withShortLogs,
    script: async (run) => {
      for (let attempts = 0; !(await lagAndCatchUp(run)); attempts += 1) {
        if (attempts === 2) throw new ScenarioError('the leader changed in each of three attempts');
      }
      await run.waitForOrders();
    },
  },
  {
    name: 'a snapshot takes longer than the transport timeout over a slow link: the transfer still completes',
    bounds: { errorsMax: 0 },
    workload: { clientsWithShortTimeout: 0 },
    prepare: withShortLogs,
    script: async (run) => {
      const [follower = ''] = await run.waitForFollowers();
      await run.kill(follower);
      await run.waitForOrders(1_500);
      const leader = await run.waitForLeader();
      run.network.degrade(leader, follower, { bytesPerSecond: SLOW_BYTES_PER_SECOND });
      await run.cluster.startProcess(follower);
      await run.waitUntil(
        'the leader sends a snapshot',
        async () => (await snapshotEvents(run, leader, 'snapshotSending')) > 0,
      );
      const startedAt = run.now();
      const goal = await statusField(run, leader, 'firstIndex');
      await run.waitUntil(
        'the snapshot is installed',
        async () => (await statusField(run, follower, 'applied')) >= goal,
        120_000,
      );
      const tookMs = run.now() - startedAt;
      run.note(`the snapshot took ${tookMs} ms`);
      if (tookMs < STALL_MS)
        throw new ScenarioError(`the snapshot took only ${tookMs} ms; it must exceed ${STALL_MS} ms`);
      if ((await run.waitForLeader()) !== leader) throw new ScenarioError(`${leader} lost its leadership`);
      run.healNetwork();
      await run.waitForOrders();
    },
  },
  {
    name: 'the leader is killed while a follower waits for a snapshot',
    workload: { oldKeyShare: 0.2 },
    prepare: withShortLogs,
    script: async (run) => {
      for (let i = 0; i < 3; i += 1) {
        const [follower = ''] = await run.waitForFollowers();
        await run.kill(follower);
        await run.waitForOrders(150);
        const leader = await run.waitForLeader();
        await run.cluster.startProcess(follower);
        await run.sleep(50 + run.random.below(400));
        await run.kill(leader);
        await run.waitForOtherLeader(leader);
        await run.waitForOrders();
        await run.start(leader);
      }
    },
  },
];

/** Compares orders, order reads and failover with etcd, and cached look-ups with a bare server. */
import { Option } from 'commander';
import {
  benchCommand,
  integerParser,
  type BenchRun,
  type CommonOptions,
  type Report,
} from './command-line.js';
import { findTool, TOOLS, type Tool } from './generator/peak.js';
import { ProgressBar } from './output/progress-bar.js';
import { measureClosed, type ClosedOptions } from './peers/closed-comparison.js';
import { FAILOVER_SECONDS } from './peers/failover.js';
import { BARE, CACHE_OFF, CACHE_ON, startLookups } from './peers/lookups.js';
import {
  ComparedSystems,
  ETCD,
  ETCD_LINEARIZABLE,
  ETCD_SERIALIZABLE,
  ORDER_BYTES,
  OTHER_CHECKOUT,
  RECORDS,
  TRIREME,
} from './peers/systems.js';
import { interleave } from './rules/interleave.js';
import {
  compareSystems,
  samplesTable,
  type ComparedFigure,
  type FailoverSample,
  type PeerSample,
} from './rules/peers.js';
import { peersPage } from './rules/peers-page.js';
import { writesPlot } from './rules/plots/peers.js';
import { ETCD_MISSING, etcdVersion } from './system/etcd.js';
import type { BenchSession } from './system/session.js';

interface PeersOptions extends CommonOptions {
  readonly pairs: number;
  readonly seconds: number;
  readonly tool: Tool | 'auto';
  readonly failoverRate: number;
  readonly before?: string;
}

const WRITE_CONNECTIONS: readonly number[] = [64, 256, 1];
const READ_CONNECTIONS: readonly number[] = [64, 1];
/**
 * The gain of the cache depends on concurrency: at many connections a front-end asks the catalog for many
 * look-ups in one frame.
 */
const LOOKUP_CONNECTIONS: readonly number[] = [64, 8, 3, 1];

/** V8 recompiles for each kind of load; at one connection that takes up to 8 s. */
const START_SECONDS = 12;
const WARMUP_SECONDS = 1;

/** Approximate time to restart a killed leader. */
const RECOVERY_SECONDS = 2;

/** Expected duration in s: two systems write, three read, three look up, and two fail over. */
function weightOf({ pairs, seconds, before }: PeersOptions): number {
  const other = before === undefined ? 0 : 1;
  const closed = (systems: number, connectionCounts: readonly number[]): number =>
    systems * connectionCounts.length * (START_SECONDS + pairs * (WARMUP_SECONDS + seconds));
  const failovers = pairs * 2 * (FAILOVER_SECONDS + RECOVERY_SECONDS);
  return (
    closed(2 + other, WRITE_CONNECTIONS) +
    closed(3 + other, READ_CONNECTIONS) +
    closed(3 + other, LOOKUP_CONNECTIONS) +
    failovers
  );
}

async function comparePeers(run: BenchRun<PeersOptions>): Promise<Report> {
  const { session, options, results, head, details } = run;
  const etcd = await etcdVersion();
  if (etcd === null) throw new Error(ETCD_MISSING);
  if (!session.hasDisk)
    throw new Error(`${session.folder} is on tmpfs, where syncs cost nothing; move the checkout to a disk`);
  const tool = await findTool(options.tool);
  const { pairs, seconds } = options;
  const closed = {
    tool,
    pairs,
    seconds,
    folder: session.folder,
    startSeconds: START_SECONDS,
    warmupSeconds: WARMUP_SECONDS,
  };
  const progress = new ProgressBar(weightOf(options));
  const { samples: writesAndReads, failovers } = await measureEtcd(session, options, closed, progress);
  const lookups = await measureLookups(session, options.before ?? null, closed, progress);
  progress.finish();
  const samples = [...writesAndReads, ...lookups];
  const compared = compareAll(samples, options.before !== undefined);
  results.csv('samples', samplesTable(samples));
  results.csv('failover', {
    columns: ['system', 'repetition', 'until_served_ms', 'silence_ms', 'longest_ms', 'failed'],
    rows: failovers.map((sample) => [
      sample.system,
      sample.repetition + 1,
      sample.untilServedMs,
      sample.silenceMs,
      sample.longestMs,
      sample.failed,
    ]),
  });
  results.json({ ...details, etcd, tool, compared, samples, failovers });
  const writes = samples.filter(({ what }) => what === 'write');
  const page = peersPage({
    ...head,
    etcd,
    tool,
    compared,
    failovers,
    pairs,
    seconds,
    startSeconds: START_SECONDS,
    failoverPerSecond: options.failoverRate,
    orderBytes: ORDER_BYTES,
    records: RECORDS,
    ours: TRIREME,
    theirs: ETCD,
    failed: samples.reduce((sum, sample) => sum + sample.failed, 0),
    plot: await results.plot('writes', 'Orders and puts', writesPlot(writes, [TRIREME, ETCD])),
  });
  return { page };
}

async function measureEtcd(
  session: BenchSession,
  options: PeersOptions,
  closed: ClosedOptions,
  progress: ProgressBar,
): Promise<{ samples: readonly PeerSample[]; failovers: readonly FailoverSample[] }> {
  progress.begin('starting a Trireme cluster and an etcd cluster');
  const peers = await ComparedSystems.start(session, options.before ?? null);
  const writes = await measureClosed('write', peers.writers(), WRITE_CONNECTIONS, closed, progress);
  const reads = await measureClosed('read', peers.readers(), READ_CONNECTIONS, closed, progress);
  const failovers: FailoverSample[] = [];
  for (const { repetition, condition: system } of interleave([TRIREME, ETCD], options.pairs)) {
    progress.begin(`leader killed, pair ${repetition + 1}: ${system}`);
    const rate = options.failoverRate;
    const failover = await (system === TRIREME ? peers.failOverTrireme(rate) : peers.failOverEtcd(rate));
    failovers.push({ system, repetition, ...failover });
    progress.end(FAILOVER_SECONDS + RECOVERY_SECONDS);
  }
  await peers.stop();
  return { samples: [...writes, ...reads], failovers };
}

async function measureLookups(
  session: BenchSession,
  before: string | null,
  closed: ClosedOptions,
  progress: ProgressBar,
): Promise<readonly PeerSample[]> {
  progress.begin('starting a cluster with a cache, one without, and a bare server');
  const lookups = await startLookups(session, before);
  const samples = await measureClosed('lookup', lookups.systems, LOOKUP_CONNECTIONS, closed, progress);
  await lookups.stop();
  return samples;
}

function compareAll(samples: readonly PeerSample[], withBefore: boolean): readonly ComparedFigure[] {
  const pairs: readonly (readonly [what: string, ours: string, theirs: string])[] = [
    ...([
      ['write', TRIREME, ETCD],
      ['lookup', CACHE_ON, BARE],
      ['lookup', CACHE_ON, CACHE_OFF],
      ['read', TRIREME, ETCD_LINEARIZABLE],
      ['read', TRIREME, ETCD_SERIALIZABLE],
    ] as const),
    ...(withBefore
      ? ([
          ['write', TRIREME, OTHER_CHECKOUT],
          ['read', TRIREME, OTHER_CHECKOUT],
          ['lookup', CACHE_ON, OTHER_CHECKOUT],
        ] as const)
      : []),
  ];
  return pairs.flatMap(([what, ours, theirs]) => compareSystems(samples, what, ours, theirs));
}

export const peersCommand = benchCommand(
  'peers',
  'comparison with a three-member etcd, a bare node:http server, and the cache off',
  'Compares orders, order reads and failover with a three-member etcd (Debian: apt-get install etcd-server), and cached ' +
    'look-ups with a bare node:http server, in interleaved runs. Writes to bench/results/<name>/.',
  comparePeers,
)
  .option(
    '--pairs <n>',
    'repetitions of each comparison; use at least 5 for reliable ratios',
    integerParser(1, 100),
    5,
  )
  .option('--seconds <n>', 'duration of each run in s', integerParser(1, 600), 3)
  .addOption(
    new Option('--tool <tool>', 'load generator for both sides; auto: wrk if installed, else undici')
      .choices(['auto', ...TOOLS])
      .default('auto'),
  )
  .option(
    '--before <dir>',
    'also measure the cluster of another checkout of this project, with its packages installed',
  )
  .option(
    '--failover-rate <n>',
    'writes per second while a leader is killed',
    integerParser(10, 10_000),
    300,
  );

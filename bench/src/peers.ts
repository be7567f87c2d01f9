/**
 * `npm run bench:peers`: compares orders, order reads and failover with etcd, and cached look-ups with a bare
 * server.
 */
import { Command, Option } from 'commander';
import {
  commandLine,
  publishPage,
  runBench,
  integerParser,
  addCommonOptions,
  type CommonOptions,
} from './command-line.js';
import { hasWrk, TOOLS, type Tool } from './load/peak.js';
import { ProgressBar } from './output/progress-bar.js';
import { Results } from './output/results.js';
import { measureClosed, type ClosedOptions } from './peers/closed-comparison.js';
import { FAILOVER_SECONDS } from './peers/failover.js';
import { BARE, CACHE_OFF, CACHE_ON, startLookups } from './peers/lookups.js';
import {
  OTHER_CHECKOUT,
  ETCD,
  ETCD_LINEARIZABLE,
  ETCD_SERIALIZABLE,
  ORDER_BYTES,
  TRIREME,
  ComparedSystems,
  RECORDS,
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
import { describeMachine, machineLine } from './system/machine.js';
import { runInSession, type BenchSession } from './system/session.js';

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

async function run(session: BenchSession, options: PeersOptions): Promise<void> {
  const etcd = await etcdVersion();
  if (etcd === null) throw new Error(ETCD_MISSING);
  if (!session.hasDisk)
    throw new Error(`${session.folder} is on tmpfs, where syncs cost nothing; move the checkout to a disk`);
  const wrk = await hasWrk();
  if (options.tool === 'wrk' && !wrk)
    throw new Error('wrk is not installed; run apt-get install wrk, or use --tool own');
  const tool = options.tool === 'auto' ? (wrk ? 'wrk' : 'own') : options.tool;
  const machine = describeMachine();
  const { pairs, seconds } = options;
  const closed = {
    ...{ tool, pairs, seconds, folder: session.folder },
    ...{ startSeconds: START_SECONDS, warmupSeconds: WARMUP_SECONDS },
  };
  const progress = new ProgressBar(weightOf(options));
  const { samples, failovers } = await measureEtcd(session, options, closed, progress);
  const lookups = await measureLookups(session, options.before ?? null, closed, progress);
  progress.finish();
  await report({ machine, etcd, tool, options, samples: [...samples, ...lookups], failovers });
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
  const samples = await measureClosed('lookup', lookups.contenders, LOOKUP_CONNECTIONS, closed, progress);
  await lookups.stop();
  return samples;
}

interface Measured {
  readonly machine: ReturnType<typeof describeMachine>;
  readonly etcd: string;
  readonly tool: Tool;
  readonly options: PeersOptions;
  readonly samples: readonly PeerSample[];
  readonly failovers: readonly FailoverSample[];
}

function compareBefore(samples: readonly PeerSample[]): readonly ComparedFigure[] {
  return [
    ...compareSystems(samples, 'write', TRIREME, OTHER_CHECKOUT),
    ...compareSystems(samples, 'read', TRIREME, OTHER_CHECKOUT),
    ...compareSystems(samples, 'lookup', CACHE_ON, OTHER_CHECKOUT),
  ];
}

async function report({ machine, etcd, tool, options, samples, failovers }: Measured): Promise<void> {
  const results = new Results(options.name);
  const compared = [
    ...compareSystems(samples, 'write', TRIREME, ETCD),
    ...compareSystems(samples, 'lookup', CACHE_ON, BARE),
    ...compareSystems(samples, 'lookup', CACHE_ON, CACHE_OFF),
    ...compareSystems(samples, 'read', TRIREME, ETCD_LINEARIZABLE),
    ...compareSystems(samples, 'read', TRIREME, ETCD_SERIALIZABLE),
    ...(options.before === undefined ? [] : compareBefore(samples)),
  ];
  const command = commandLine('bench:peers');
  results.csv('samples', samplesTable(samples));
  results.csv('failover', {
    columns: ['system', 'repetition', 'until_served_ms', 'silence_ms', 'longest_ms', 'failed'],
    rows: failovers.map((sample) => [
      ...[sample.system, sample.repetition + 1, sample.untilServedMs, sample.silenceMs],
      ...[sample.longestMs, sample.failed],
    ]),
  });
  results.json({ machine, etcd, tool, command, options, compared, samples, failovers });
  const writes = samples.filter(({ what }) => what === 'write');
  const page = peersPage({
    ...{ machine: machineLine(machine), command, etcd, tool, compared, failovers },
    ...{ pairs: options.pairs, seconds: options.seconds, startSeconds: START_SECONDS },
    failoverPerSecond: options.failoverRate,
    ...{ orderBytes: ORDER_BYTES, records: RECORDS, ours: TRIREME, theirs: ETCD },
    failed: samples.reduce((sum, sample) => sum + sample.failed, 0),
    plot: await results.plot('writes', 'Orders and puts', writesPlot(writes, [TRIREME, ETCD])),
  });
  publishPage(results, options, page);
}

const command = addCommonOptions(
  new Command('npm run bench:peers --').description(
    'Compares orders, order reads and failover with a three-member etcd (Debian: apt-get install etcd-server), and cached ' +
      'look-ups with a bare node:http server, in interleaved runs. Writes to bench/results/<name>/.',
  ),
  'peers',
)
  .option(
    '--pairs <n>',
    'repetitions of each comparison; use at least 5 for reliable ratios',
    integerParser(1, 100),
    5,
  )
  .option('--seconds <n>', 'duration of each run in s', integerParser(1, 600), 3)
  .addOption(
    new Option('--tool <tool>', 'load generator for both sides; auto: wrk if installed, else own')
      .choices(['auto', ...TOOLS])
      .default('auto'),
  )
  .option(
    '--before <dir>',
    'also measure the cluster of another checkout of this project, with its packages installed',
  )
  .option('--failover-rate <n>', 'writes per second while a leader is killed', integerParser(10, 10_000), 300)
  .action(async (options: PeersOptions) => runInSession(async (session) => run(session, options)));

await runBench(command);

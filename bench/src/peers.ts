/** `npm run bench:peers`: orders, order reads and fail-over beside etcd's, cached look-ups beside a bare server's. */
import { Command, Option } from 'commander';
import {
  calledAs,
  finish,
  runBench,
  wholeNumber,
  withCommonOptions,
  type CommonOptions,
} from './command-line.js';
import { hasWrk, TOOLS, type Tool } from './load/peak.js';
import { ProgressBar } from './output/progress-bar.js';
import { Results } from './output/results.js';
import { measureClosed, type ClosedOptions } from './peers/closed.js';
import { FAILOVER_SECONDS } from './peers/failover.js';
import { BARE, CACHE_OFF, CACHE_ON, startLookups } from './peers/lookups.js';
import {
  BEFORE,
  ETCD,
  ETCD_LINEARIZABLE,
  ETCD_SERIALIZABLE,
  ORDER_BYTES,
  OURS,
  Peers,
  RECORDS,
} from './peers/systems.js';
import { interleave } from './rules/interleave.js';
import {
  compareSystems,
  samplesTable,
  type ComparedFigure,
  type FailoverSample,
  type Sample,
} from './rules/peers.js';
import { peersPage } from './rules/peers-page.js';
import { writesPlot } from './rules/plots/peers.js';
import { ETCD_MISSING, etcdVersion } from './system/etcd.js';
import { describeMachine, machineLine } from './system/machine.js';
import { withSession, type Session } from './system/session.js';

interface PeersOptions extends CommonOptions {
  readonly pairs: number;
  readonly seconds: number;
  readonly tool: Tool | 'auto';
  readonly failoverRate: number;
  readonly before?: string;
}

const WRITE_CONNECTIONS: readonly number[] = [64, 256, 1];
const READ_CONNECTIONS: readonly number[] = [64, 1];
/** What the cache buys depends on how many ask at once: most at three, little where catalogs are asked for many in one frame. */
const LOOKUP_CONNECTIONS: readonly number[] = [64, 8, 3, 1];

/** At one connection compilers take a tenth of a core for the first 8 s, though there was another load before; then a hundredth. */
const START_SECONDS = 12;
const WARMUP_SECONDS = 1;

/** About how long it takes to bring a killed leader back. */
const RECOVERY_SECONDS = 2;

/** Two write, three read, three look up; two fail over. */
function weightOf({ pairs, seconds, before }: PeersOptions): number {
  const more = before === undefined ? 0 : 1;
  const closed = (systems: number, connectionCounts: readonly number[]): number =>
    systems * connectionCounts.length * (START_SECONDS + pairs * (WARMUP_SECONDS + seconds));
  const failovers = pairs * 2 * (FAILOVER_SECONDS + RECOVERY_SECONDS);
  return (
    closed(2 + more, WRITE_CONNECTIONS) +
    closed(3 + more, READ_CONNECTIONS) +
    closed(3 + more, LOOKUP_CONNECTIONS) +
    failovers
  );
}

async function run(session: Session, options: PeersOptions): Promise<void> {
  const etcd = await etcdVersion();
  if (etcd === null) throw new Error(ETCD_MISSING);
  if (!session.hasDisk) throw new Error(`${session.folder} is in memory: syncs would cost nothing there`);
  const wrk = await hasWrk();
  if (options.tool === 'wrk' && !wrk) throw new Error('wrk is missing: apt-get install wrk, or --tool own');
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
  session: Session,
  options: PeersOptions,
  closed: ClosedOptions,
  progress: ProgressBar,
): Promise<{ samples: readonly Sample[]; failovers: readonly FailoverSample[] }> {
  progress.begin('starting a cluster of ours and one of etcd');
  const peers = await Peers.start(session, options.before ?? null);
  const writes = await measureClosed('write', peers.writers(), WRITE_CONNECTIONS, closed, progress);
  const reads = await measureClosed('read', peers.readers(), READ_CONNECTIONS, closed, progress);
  const failovers: FailoverSample[] = [];
  for (const { repetition, condition: system } of interleave([OURS, ETCD], options.pairs)) {
    progress.begin(`leader killed, pair ${repetition + 1}: ${system}`);
    const rate = options.failoverRate;
    const failover = await (system === OURS ? peers.failOverOurs(rate) : peers.failOverEtcd(rate));
    failovers.push({ system, repetition, ...failover });
    progress.end(FAILOVER_SECONDS + RECOVERY_SECONDS);
  }
  await peers.stop();
  return { samples: [...writes, ...reads], failovers };
}

async function measureLookups(
  session: Session,
  before: string | null,
  closed: ClosedOptions,
  progress: ProgressBar,
): Promise<readonly Sample[]> {
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
  readonly samples: readonly Sample[];
  readonly failovers: readonly FailoverSample[];
}

function compareBefore(samples: readonly Sample[]): readonly ComparedFigure[] {
  return [
    ...compareSystems(samples, 'write', OURS, BEFORE),
    ...compareSystems(samples, 'read', OURS, BEFORE),
    ...compareSystems(samples, 'lookup', CACHE_ON, BEFORE),
  ];
}

async function report({ machine, etcd, tool, options, samples, failovers }: Measured): Promise<void> {
  const results = new Results(options.name);
  const compared = [
    ...compareSystems(samples, 'write', OURS, ETCD),
    ...compareSystems(samples, 'lookup', CACHE_ON, BARE),
    ...compareSystems(samples, 'lookup', CACHE_ON, CACHE_OFF),
    ...compareSystems(samples, 'read', OURS, ETCD_LINEARIZABLE),
    ...compareSystems(samples, 'read', OURS, ETCD_SERIALIZABLE),
    ...(options.before === undefined ? [] : compareBefore(samples)),
  ];
  const command = calledAs('bench:peers');
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
    ...{ orderBytes: ORDER_BYTES, records: RECORDS, ours: OURS, theirs: ETCD },
    failed: samples.reduce((sum, sample) => sum + sample.failed, 0),
    plot: await results.plot('writes', 'Orders against puts', writesPlot(writes, [OURS, ETCD])),
  });
  finish(results, options, page);
}

const command = withCommonOptions(
  new Command('npm run bench:peers --').description(
    'Measures our orders, order reads and fail-over beside those of a three-node etcd (Debian: apt-get install etcd-server), ' +
      'and cached look-ups beside a bare node:http server, in turns. Writes a page to bench/results/<name>/.',
  ),
  'peers',
)
  .option(
    '--pairs <n>',
    'how often each is measured; 5 at least for a figure that counts',
    wholeNumber(1, 100),
    5,
  )
  .option('--seconds <n>', 'how long each time', wholeNumber(1, 600), 3)
  .addOption(
    new Option('--tool <tool>', 'load generator of both sides: wrk where installed, else our own')
      .choices(['auto', ...TOOLS])
      .default('auto'),
  )
  .option(
    '--before <dir>',
    'also measures the cluster of another checkout of this project, installed and built, in the same turns',
  )
  .option('--failover-rate <n>', 'writes a second while a leader is killed', wholeNumber(10, 10_000), 300)
  .action(async (options: PeersOptions) => withSession(async (session) => run(session, options)));

await runBench(command);

/**
 * The Raft library alone: throughput and latency of proposals to three members in this process, over real HTTP
 * and synced LevelDB.
 */
import { writeFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import {
  benchCommand,
  integerParser,
  numberParser,
  type BenchRun,
  type CommonOptions,
  type Report,
} from './command-line.js';
import { ProgressBar } from './output/progress-bar.js';
import { runClosedLoop } from './raft/closed-loop.js';
import { startCluster } from './raft/cluster.js';
import { crossProduct, interleave } from './rules/interleave.js';
import { raftPage, raftTable, summarizeRounds, type RaftRound } from './rules/raft.js';

interface RaftOptions extends CommonOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly payloads: readonly number[];
  readonly inFlight: readonly number[];
  readonly json?: string;
}

const WARMUP_SECONDS = 1;

async function raft({ session, options, results, head, details }: BenchRun<RaftOptions>): Promise<Report> {
  const { rounds, seconds, payloads, inFlight } = options;
  const loads = crossProduct(payloads, inFlight).map(([bytes, count]) => ({
    payloadBytes: bytes,
    inFlight: count,
  }));
  const progress = new ProgressBar(rounds * loads.length);
  progress.begin('starting three members');
  const { leader, stop } = await startCluster(session.folder);
  const stopOnce = session.defer(stop);
  for (const load of loads) await runClosedLoop(leader, { ...load, seconds: WARMUP_SECONDS });
  const done: RaftRound[] = [];
  for (const { repetition, condition: load } of interleave(loads, rounds)) {
    progress.begin(`round ${repetition + 1}: ${load.payloadBytes} B, ${load.inFlight} in flight`);
    done.push({ ...load, ...(await runClosedLoop(leader, { ...load, seconds })) });
    progress.end();
  }
  await stopOnce();
  progress.finish();
  const rows = loads.map((load) => summarizeRounds(load, done));
  results.csv('loads', raftTable(rows));
  results.json({ ...details, rows });
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ ...details, seconds, rows }, null, 2)}\n`);
  return { page: raftPage(rows, { ...head, rounds, seconds }) };
}

function parseList(text: string): readonly number[] {
  const values = text.split(',').map(Number);
  if (values.every((value) => Number.isSafeInteger(value) && value >= 1)) return values;
  throw new InvalidArgumentError('Give whole numbers of at least 1, separated by commas.');
}

export const raftCommand = benchCommand(
  'raft',
  'the Raft library alone: proposals per second, and latency until they are applied',
  'Measures three Raft members in one process, over HTTP on the loopback, each with a synced LevelDB. ' +
    'Writes to bench/results/<name>/.',
  raft,
)
  .option('--rounds <n>', 'rounds over all loads; the table shows their medians', integerParser(1, 1000), 5)
  .option('--seconds <n>', 'duration of each load in each round in s', numberParser(0.1, 3600), 3)
  .option('--payloads <list>', 'sizes of a proposal in bytes, comma-separated', parseList, [128, 4096])
  .option('--in-flight <list>', 'numbers of concurrent proposals, comma-separated', parseList, [1, 64, 1024])
  .option('--json <file>', 'also write the results to this file');

/**
 * `npm run bench:raft`: throughput and latency of proposals to three members in one process, over real HTTP
 * and synced LevelDB. Every round runs every load, so that slow drift of the machine affects all loads
 * equally.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release, type } from 'node:os';
import { parseArgs } from 'node:util';
import { runClosedLoop, type RoundResult } from './closed-loop.js';
import { startCluster } from './cluster.js';
import { summarize, formatTable } from './report.js';

const HELP = `Usage: npm run bench:raft -- [--rounds 5] [--seconds 3] [--payloads 128,4096] [--in-flight 1,64,1024] [--json FILE]

Measures three Raft members in one process, over HTTP on the loopback, each with a synced LevelDB in a temporary folder.
  --rounds N         rounds over all loads; the table shows their medians (default 5)
  --seconds N        duration of each load in each round, in seconds (default 3)
  --payloads LIST    sizes of a proposal in bytes, comma-separated (default 128,4096)
  --in-flight LIST   numbers of concurrent proposals, comma-separated (default 1,64,1024)
  --json FILE        writes the results, with machine and versions, to FILE
  -h, --help         prints this text`;

const WARM_UP_SECONDS = 1;

function numbers(flag: string, text: string): number[] {
  return text.split(',').map((part) => {
    const value = Number(part);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new Error(`${flag} takes whole numbers of at least 1, got ${part}`);
    return value;
  });
}

function number(flag: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3_600))
    throw new Error(`${flag} must be above 0 and at most 3600, got ${text}`);
  return value;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    payloads: { type: 'string', default: '128,4096' },
    'in-flight': { type: 'string', default: '1,64,1024' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function run(): Promise<void> {
  const [rounds, seconds] = [number('--rounds', values.rounds), number('--seconds', values.seconds)];
  const loads = numbers('--payloads', values.payloads).flatMap((payloadBytes) =>
    numbers('--in-flight', values['in-flight']).map((inFlight) => ({ payloadBytes, inFlight })),
  );
  const measured = loads.map((load) => ({ load, rounds: [] as RoundResult[] }));
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    system: `${type()} ${release()}`,
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
    at: new Date().toISOString(),
  };
  const cluster = await startCluster();
  try {
    for (const load of loads) await runClosedLoop(cluster.leader, { ...load, seconds: WARM_UP_SECONDS });
    for (let round = 1; round <= rounds; round += 1) {
      for (const { load, rounds: done } of measured) {
        done.push(await runClosedLoop(cluster.leader, { ...load, seconds }));
      }
      console.error(`round ${round} of ${rounds} done`);
    }
  } finally {
    await cluster.stop();
  }
  const rows = measured.map(({ load, rounds: done }) => summarize(load, done));
  console.log(`\n${formatTable(rows)}\n`);
  console.log(
    `${machine.cores} cores (${machine.cpu}), ${machine.system}, Node ${machine.node}, ${rounds} rounds of ${seconds} s, ` +
      `load average ${machine.loadBefore.toFixed(2)} before the run`,
  );
  if (values.json === undefined) return;
  writeFileSync(values.json, `${JSON.stringify({ machine, seconds, rows }, null, 2)}\n`);
}

if (values.help) console.log(HELP);
else await run();

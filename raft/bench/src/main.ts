/**
 * `npm run bench:raft`: proposals a second and commit latency of three members in one process, over real HTTP and synced
 * LevelDB. Every round visits every load, so that the machine's drift falls on all alike.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release, type } from 'node:os';
import { parseArgs } from 'node:util';
import { runClosedLoop, type Round } from './closed-loop.js';
import { startCluster } from './cluster.js';
import { rowOf, table } from './report.js';

const HELP = `Usage: npm run bench:raft -- [--rounds 5] [--seconds 3] [--payloads 128,4096] [--in-flight 1,64,1024] [--json FILE]

Three Raft members in one process, over HTTP on the loopback, each with a synced LevelDB in a temporary folder.
  --rounds     rounds over all loads; the table shows their medians (5)
  --seconds    length of each load in each round, after a short one that is not counted (3)
  --payloads   bytes of a proposal
  --in-flight  proposals under way at a time: each is followed by another once the leader has applied it
  --json       writes the figures, with machine and versions, to a file`;

const WARM_UP_SECONDS = 1;

function numbers(flag: string, text: string): number[] {
  return text.split(',').map((part) => {
    const value = Number(part);
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${flag} takes whole numbers from 1`);
    return value;
  });
}

function number(flag: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3_600)) throw new Error(`${flag} must be above 0 and at most 3600`);
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
  const measured = loads.map((load) => ({ load, rounds: [] as Round[] }));
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
      console.error(`round ${round} of ${rounds}`);
    }
  } finally {
    await cluster.stop();
  }
  const rows = measured.map(({ load, rounds: done }) => rowOf(load, done));
  console.log(`\n${table(rows)}\n`);
  console.log(
    `${machine.cores} cores (${machine.cpu}), ${machine.system}, Node ${machine.node}, ${rounds} rounds of ${seconds} s, ` +
      `load ${machine.loadBefore.toFixed(2)} before the run`,
  );
  if (values.json === undefined) return;
  writeFileSync(values.json, `${JSON.stringify({ machine, seconds, rows }, null, 2)}\n`);
}

if (values.help) console.log(HELP);
else await run();

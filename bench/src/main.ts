/** `npm run bench -- BENCHMARK`: all benchmarks, each a sub-command. */
import { Command } from 'commander';
import { costCommand } from './cost.js';
import { loadCommand } from './load.js';
import { peersCommand } from './peers.js';
import { raftCommand } from './raft.js';
import { restartCommand } from './restart.js';
import { soakCommand } from './soak.js';
import { sweepCommand } from './sweep.js';

const program = new Command('npm run bench --').description(
  'Benchmarks. Each starts the systems that it measures on free loopback ports, and writes its results to bench/results/<name>/.',
);
for (const command of [
  peersCommand,
  sweepCommand,
  loadCommand,
  soakCommand,
  restartCommand,
  costCommand,
  raftCommand,
]) {
  program.addCommand(command);
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(`\nerror: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/**
 * Runner of npm's scripts: `exec node scripts/bin/run.mjs PROJECT PROGRAM [arguments...]` builds a project, then runs a
 * program in the same process.
 *
 * npm forwards signals only to its direct child. A shell there, as in `tsc -b && node ...`, does not forward them, and
 * some shells run the program even after an interrupted build. So the child is one process for build and program.
 * If npm itself is killed, this process sends itself SIGHUP, as if its terminal had closed.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PARENT_POLL_MS = 500;

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));

/** Builds a project and returns the exit code: that of the compiler, or 128 plus the signal that stopped the build. */
async function build(project) {
  const compiler = spawn(process.execPath, [TSC, '-b', project], { stdio: 'inherit' });
  let stopSignal = null;
  const stop = (signal) => {
    stopSignal ??= signal;
    compiler.kill('SIGTERM');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  const code = await new Promise((done, failed) => compiler.once('error', failed).once('close', done));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, stop);
  return stopSignal === null ? (code ?? 1) : 128 + constants.signals[stopSignal];
}

const [project, program] = process.argv.splice(2, 2);
const parent = process.ppid;
const watch = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(watch);
  process.kill(process.pid, 'SIGHUP');
}, PARENT_POLL_MS);
watch.unref();

const code = await build(project);
if (code === 0) {
  process.argv[1] = resolve(program);
  await import(pathToFileURL(process.argv[1]).href);
} else {
  process.exitCode = code;
}

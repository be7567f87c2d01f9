/**
 * What npm's scripts run: `exec node scripts/bin/run.mjs PROJECT PROGRAM [arguments...]` builds a project and then is the program.
 *
 * npm passes signals on to its child alone. A shell there, as in `tsc -b && node ...`, does not pass them on, and some
 * shells run the program after an interrupted build; so the child is one process from its start to its end. npm
 * that is killed passes nothing on: then this process sends itself SIGHUP, as for a terminal that goes away.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PARENT_POLL_MS = 500;

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));

/** Gives the exit code of the build; a signal ends the build, and this process as the signal does. */
async function build(project) {
  const compiler = spawn(process.execPath, [TSC, '-b', project], { stdio: 'inherit' });
  let told = null;
  const stop = (signal) => {
    told ??= signal;
    compiler.kill('SIGTERM');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  const code = await new Promise((done, failed) => compiler.once('error', failed).once('close', done));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, stop);
  return told === null ? (code ?? 1) : 128 + constants.signals[told];
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

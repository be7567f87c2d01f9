/** Kernel resource limits of a running process. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { ScenarioError, type ScenarioRun } from './scenario-run.js';

/** Limits a process to its current number of file descriptors plus `more`; null restores a limit of 1024. */
export function limitFileDescriptors(run: ScenarioRun, name: string, more: number | null): void {
  const pid = pidOf(run, name);
  const limit = more === null ? 1024 : readdirSync(`/proc/${pid}/fd`).length + more;
  run.note(`limit ${name} to ${limit} file descriptors`);
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
}

/** Prevents all files of a process from growing, until it exits. */
export function limitFileSizes(run: ScenarioRun, name: string): void {
  run.note(`limit the file size of ${name} to 0`);
  execFileSync('prlimit', ['--pid', String(pidOf(run, name)), '--fsize=0:0']);
}

/** Opens idle connections to a process. */
export function openIdleConnections(run: ScenarioRun, name: string, connections: number): readonly Socket[] {
  run.note(`${connections} idle connections to ${name}`);
  const { hostname, port } = new URL(
    run.cluster.describe().processes.find(({ id }) => id === name)?.url ?? '',
  );
  return Array.from({ length: connections }, () =>
    connect(Number(port), hostname).on('error', () => undefined),
  );
}

function pidOf(run: ScenarioRun, name: string): number {
  const pid = run.cluster.describe().processes.find(({ id }) => id === name)?.pid ?? null;
  if (pid === null) throw new ScenarioError(`cannot limit ${name}: the process is not running`);
  return pid;
}

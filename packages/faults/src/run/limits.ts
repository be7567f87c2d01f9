/** Limits of the kernel that a running process comes to. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { ScenarioError, type Run } from './run.js';

/** Lets a process have so many descriptors more than it has now; null for as many as ever. */
export function limitDescriptors(run: Run, name: string, more: number | null): void {
  const pid = pidOf(run, name);
  const limit = more === null ? 1024 : readdirSync(`/proc/${pid}/fd`).length + more;
  run.note(`${name} may have ${limit} descriptors`);
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
}

/** Has no file of a process grow any more, for the rest of its life. */
export function limitFileSizes(run: Run, name: string): void {
  run.note(`files of ${name} may grow no more`);
  execFileSync('prlimit', ['--pid', String(pidOf(run, name)), '--fsize=0:0']);
}

/** Opens connections to a process and says nothing on them. */
export function occupy(run: Run, name: string, connections: number): readonly Socket[] {
  run.note(`${connections} idle connections to ${name}`);
  const { hostname, port } = new URL(
    run.cluster.describe().processes.find(({ id }) => id === name)?.url ?? '',
  );
  return Array.from({ length: connections }, () =>
    connect(Number(port), hostname).on('error', () => undefined),
  );
}

function pidOf(run: Run, name: string): number {
  const pid = run.cluster.describe().processes.find(({ id }) => id === name)?.pid ?? null;
  if (pid === null) throw new ScenarioError(`${name} is down`);
  return pid;
}

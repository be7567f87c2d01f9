/** Description of the machine and the versions behind a result. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { BENCH_ROOT } from './session.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** Commit of Trireme, with `+` if files are modified; null outside a git checkout. */
  readonly commit: string | null;
  /** Versions of the main dependencies. */
  readonly packages: Readonly<Record<string, string>>;
  /** Load average of the minute before the run; above 0.5, other programs were running. */
  readonly loadBefore: number | null;
  /** Time of the run, ISO 8601 in UTC. */
  readonly at: string;
}

const PACKAGES = [
  'hono',
  '@hono/node-server',
  'level',
  'msgpackr',
  'undici',
  'hdr-histogram-js',
  'vega-lite',
];

export function describeMachine(): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    node: process.version,
    commit: gitCommit(),
    packages: Object.fromEntries(PACKAGES.flatMap((name) => packageVersion(name))),
    loadBefore: loadAverage(),
    at: new Date().toISOString(),
  };
}

/** The machine in one line. */
export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGiB, system, node, commit, loadBefore, at } = machine;
  const load = loadBefore === null ? '' : `, load ${loadBefore} before the run`;
  return `${cores} cores (${cpu}), ${memoryGiB} GiB, ${system}, Node ${node}, commit ${commit ?? 'unknown'}, ${at.slice(0, 10)}${load}`;
}

function gitCommit(): string | null {
  const git = (...argv: string[]): string =>
    execFileSync('git', argv, { cwd: BENCH_ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const dirty = git('status', '--porcelain', '--untracked-files=no').trim() !== '';
    return git('rev-parse', '--short', 'HEAD').trim() + (dirty ? '+' : '');
  } catch {
    return null;
  }
}

/** Name and installed version; empty if the package is not installed. */
function packageVersion(name: string): readonly (readonly [string, string])[] {
  try {
    const file = join(BENCH_ROOT, '..', 'node_modules', name, 'package.json');
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    return [[name, version]];
  } catch {
    return [];
  }
}

function loadAverage(): number | null {
  try {
    return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
  } catch {
    return null;
  }
}

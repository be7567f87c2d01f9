/** Description of the machine and the versions behind a result. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, release, totalmem, type } from 'node:os';
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

const PACKAGES = ['hono', '@hono/node-server', 'level', 'msgpackr', 'hdr-histogram-js', 'vega-lite'];

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
export function machineLine({
  cpu,
  cores,
  memoryGiB,
  system,
  node,
  commit,
  loadBefore,
  at,
}: Machine): string {
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
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const { version } = JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as {
        version: string;
      };
      return [[name, version]];
    } catch {
      // Not in this folder; try the next one.
    }
  }
  return [];
}

function loadAverage(): number | null {
  try {
    return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
  } catch {
    return null;
  }
}

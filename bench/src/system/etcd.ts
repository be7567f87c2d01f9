/**
 * Three members of Debian's etcd on loopback, with the default configuration except for ports, logs and
 * quota.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findFreeBasePort } from '@trireme/cluster';
import type { BenchSession } from './session.js';

/** Error message when etcd cannot be started. */
export const ETCD_MISSING =
  'etcd, or setpriv of util-linux, is not installed; on Debian or Ubuntu run: apt-get install etcd-server';

/** The kernel kills etcd with its parent, so it does not outlive a killed benchmark. */
const LAUNCH = ['--pdeathsig', 'KILL', 'etcd'];

/** Storage quota of etcd; a long run exceeds the default of 2 GiB. */
const QUOTA_BYTES = 8 * 1024 ** 3;

const MEMBERS = 3;

const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;
const POLL_MS = 25;

const run = promisify(execFile);

/** The version of etcd; null if it is not installed. */
export async function etcdVersion(): Promise<string | null> {
  try {
    const { stdout } = await run('setpriv', [...LAUNCH, '--version']);
    return stdout.split('\n')[0]?.replace('etcd Version: ', '') ?? null;
  } catch {
    return null;
  }
}

interface Member {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly data: string;
  child: ChildProcess | null;
}

export class EtcdCluster {
  readonly #members: readonly Member[];
  /** Stops all members and waits until they have exited. */
  readonly stop: () => Promise<void>;

  /** @param port the first of six free ports */
  private constructor(session: BenchSession, port: number) {
    this.#members = Array.from({ length: MEMBERS }, (_, i) => ({
      name: `etcd-${i + 1}`,
      clientUrl: `http://127.0.0.1:${port + 2 * i}`,
      peerUrl: `http://127.0.0.1:${port + 2 * i + 1}`,
      data: join(session.folder, `etcd-${i + 1}`),
      child: null,
    }));
    this.stop = session.defer(async () => {
      await Promise.all(this.#members.map(async (member) => end(member, 'SIGTERM')));
    });
  }

  /** Starts an empty cluster and waits for a leader. @throws Error if there is no leader after 30 s. */
  static async start(session: BenchSession): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(session, await findFreeBasePort(3, 2 * MEMBERS));
    for (const member of cluster.#members) cluster.#launch(member);
    await cluster.waitLeader();
    return cluster;
  }

  /** Waits for a leader and returns its name. @throws Error if there is no leader after 30 s. */
  async waitLeader(): Promise<string> {
    const untilMs = performance.now() + READY_MS_MAX;
    for (;;) {
      for (const member of this.#members) {
        if (member.child !== null && (await leads(member))) return member.name;
      }
      if (performance.now() > untilMs) throw new Error(`etcd has no leader after ${READY_MS_MAX} ms`);
      await delay(POLL_MS);
    }
  }

  /** Waits until every member is healthy, that is, serves a linearizable read. @throws Error after 30 s. */
  async waitAll(): Promise<void> {
    const untilMs = performance.now() + READY_MS_MAX;
    for (const member of this.#members) {
      while (!(await isHealthy(member))) {
        if (performance.now() > untilMs)
          throw new Error(`${member.name} is not healthy after ${READY_MS_MAX} ms`);
        await delay(POLL_MS);
      }
    }
  }

  /** Client address of a member. */
  url(name: string): string {
    return this.#get(name).clientUrl;
  }

  /** The other members. */
  otherMembers(name: string): readonly string[] {
    return this.#members.map((member) => member.name).filter((other) => other !== name);
  }

  /** Kills a member with SIGKILL and waits until it has exited. */
  async kill(name: string): Promise<void> {
    await end(this.#get(name), 'SIGKILL');
  }

  /** Starts a stopped member on its existing data. */
  restart(name: string): void {
    this.#launch(this.#get(name));
  }

  #get(name: string): Member {
    const member = this.#members.find((candidate) => candidate.name === name);
    if (member === undefined) throw new Error(`unknown etcd member ${name}`);
    return member;
  }

  #launch(member: Member): void {
    const { name, clientUrl, peerUrl, data } = member;
    const initial = this.#members.map((other) => `${other.name}=${other.peerUrl}`).join(',');
    const argv = [
      ...['--name', name, '--data-dir', data, '--logger', 'zap', '--log-level', 'error'],
      ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', initial, '--initial-cluster-token', 'trireme-bench'],
      ...['--quota-backend-bytes', String(QUOTA_BYTES)],
    ];
    const child = spawn('setpriv', [...LAUNCH, ...argv], { stdio: 'ignore' });
    member.child = child;
    child.once('exit', () => {
      if (member.child === child) member.child = null;
    });
    child.once('error', ({ message }) => console.error(`${name}: ${message}`));
  }
}

async function end(member: Member, signal: NodeJS.Signals): Promise<void> {
  const { child } = member;
  if (child === null || child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await exited;
  clearTimeout(timer);
}

async function leads({ clientUrl }: Member): Promise<boolean> {
  const status = await ask(`${clientUrl}/v3/maintenance/status`, { method: 'POST', body: '{}' });
  if (status === null) return false;
  const { header, leader } = status as { header?: { member_id?: string }; leader?: string };
  return leader !== undefined && leader === header?.member_id;
}

async function isHealthy({ clientUrl }: Member): Promise<boolean> {
  const answer = await ask(`${clientUrl}/health`, {});
  return (answer as { health?: string } | null)?.health === 'true';
}

async function ask(url: string, init: RequestInit): Promise<unknown> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(1000) });
    return await response.json();
  } catch {
    return null;
  }
}

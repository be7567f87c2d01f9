/** Three etcd members on loopback, as Debian ships them, with etcd's own defaults but for ports, logs and quota. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { targetOf, type Target } from '../load/connection.js';
import type { Session } from './session.js';

/** What to say where etcd is missing. */
export const ETCD_MISSING =
  'etcd (or setpriv of util-linux, which starts it) is missing, so there is nothing to compare with. ' +
  'On Debian or Ubuntu: apt-get install etcd-server';

/** The kernel ends it with us, so that none outlives a bench that was killed. */
const LAUNCH = ['--pdeathsig', 'KILL', 'etcd'];

/** Bytes that etcd may store: the default of 2 GiB would end a long run. */
const QUOTA_BYTES = 8 * 1024 ** 3;

const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;
const POLL_MS = 25;

const run = promisify(execFile);

/** The version of etcd, null if it is not installed. */
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
  /** Stops it and waits until it has. */
  readonly stop: () => Promise<void>;

  private constructor(session: Session, ports: readonly number[]) {
    this.#members = [0, 1, 2].map((i) => ({
      name: `etcd-${i + 1}`,
      clientUrl: `http://127.0.0.1:${ports[2 * i] ?? 0}`,
      peerUrl: `http://127.0.0.1:${ports[2 * i + 1] ?? 0}`,
      data: join(session.folder, `etcd-${i + 1}`),
      child: null,
    }));
    this.stop = session.defer(async () => {
      await Promise.all(this.#members.map(async (member) => end(member, 'SIGTERM')));
    });
  }

  /** Starts an empty one and waits until a member leads. @throws Error if none does within 30 s. */
  static async start(session: Session): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(session, await freePorts(6));
    for (const member of cluster.#members) cluster.#launch(member);
    await cluster.waitLeader();
    return cluster;
  }

  /** Waits until a member leads, and tells which. @throws Error if none does within 30 s. */
  async waitLeader(): Promise<string> {
    const untilMs = performance.now() + READY_MS_MAX;
    for (;;) {
      for (const member of this.#members) {
        if (member.child !== null && (await leads(member))) return member.name;
      }
      if (performance.now() > untilMs) throw new Error('no etcd member leads');
      await delay(POLL_MS);
    }
  }

  /** Waits until every member is up and answers a linearizable read. @throws Error if not within 30 s. */
  async waitAll(): Promise<void> {
    const untilMs = performance.now() + READY_MS_MAX;
    for (const member of this.#members) {
      while (!(await isHealthy(member))) {
        if (performance.now() > untilMs) throw new Error(`${member.name} is not healthy`);
        await delay(POLL_MS);
      }
    }
  }

  /** Where a member takes requests. */
  target(name: string): Target {
    return targetOf(this.#get(name).clientUrl);
  }

  /** The other members. */
  othersThan(name: string): readonly string[] {
    return this.#members.map((member) => member.name).filter((other) => other !== name);
  }

  /** Kills a member with SIGKILL, and waits for its end. */
  async kill(name: string): Promise<void> {
    await end(this.#get(name), 'SIGKILL');
  }

  /** Starts a member that is down, on its own data. */
  restart(name: string): void {
    this.#launch(this.#get(name));
  }

  #get(name: string): Member {
    const member = this.#members.find((candidate) => candidate.name === name);
    if (member === undefined) throw new Error(`there is no ${name}`);
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

/** Ports that nothing listens on now, all different. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen({ host: '127.0.0.1', port: 0 });
      await once(server, 'listening');
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      return address.port;
    }),
  );
  await Promise.all(servers.map(async (server) => once(server.close(), 'close')));
  return ports;
}

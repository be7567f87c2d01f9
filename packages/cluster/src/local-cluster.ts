/**
 * A cluster on this machine: catalog, replicas and front-ends as processes of their own under one supervisor, which
 * starts, stops and hurts them, and keeps `cluster.json` true. It restarts nothing by itself.
 */
import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readClusterFile, type ClusterFile, type Role } from './cluster-file.js';
import { checkReplicaCount, emptyDataFolder, fillDataFolder, makeDataFolder } from './data-folder.js';
import { acquireDataLock, type DataLock } from './data-lock.js';
import { ClusterError } from './errors.js';
import { Members, type Member, type ProcessExit } from './members.js';
import { awaitOrphans } from './orphans.js';
import { isPortFree, isReady, replicaStatus } from './probe.js';
import { planProcesses, type Route } from './process-plan.js';
import { findLeader } from './rules/leader.js';
import { namedPorts, planPorts, type PortPlan } from './rules/ports.js';
import type { Target } from './rules/target.js';

/** What a cluster is made of. */
export interface ClusterOptions {
  /** Made if it is not there; kept between runs. */
  readonly dataDir: string;
  /** Base port, 8080 unless set; the others are derived from it. */
  readonly port?: number;
  /** 3 unless set; 5, or 1 for tests. */
  readonly replicas?: number;
  /** 1 to 16, 1 unless set. */
  readonly frontends?: number;
  /** Stocks that each front-end caches, 5 unless set; null for no cache. */
  readonly cacheSize?: number | null;
  /** Milliseconds that a client's request may take, 5000 unless set. */
  readonly deadlineMs?: number;
  /** Milliseconds of a cache's lease, 500 unless set. */
  readonly leaseMs?: number;
  /** Seed of an empty catalog, instead of the built-in one. */
  readonly seedFile?: string;
  /** Begins with an empty data folder. */
  readonly fresh?: boolean;
  /** Least level that the processes log, `info` unless set. */
  readonly logLevel?: string;
  /** Other scripts to run than the packages' own, by role. */
  readonly programs?: Readonly<Partial<Record<Role, string>>>;
  /** Variables for one process, beside those of this one; asked for at each start. */
  readonly env?: (name: string) => Readonly<Record<string, string>>;
  /** What runs a process, such as `prlimit --nofile=64`, in its own pid; asked for at each start. */
  readonly wrapper?: (name: string) => readonly string[];
  /** Where one process is to reach another, instead of where that one listens: a proxy between the two. */
  readonly route?: Route;
  /** Gets each line for the console; writes to standard output unless set. */
  readonly output?: (line: string) => void;
}

/** A process gets this long after SIGTERM; its own deadline is 10 s. */
const STOP_GRACE_MS = 12_000;

const POLL_MS = 25;

/** Steers one cluster; made, started and stopped once. Emits `exit` for every process that ends. */
export class LocalCluster extends EventEmitter<{ exit: [ProcessExit] }> {
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  readonly #options: ClusterOptions;
  readonly #ports: PortPlan;
  #lock: DataLock | null = null;
  #started: Members | null = null;

  /** @throws ClusterError `BAD_OPTION` for an option out of bounds. */
  constructor(options: ClusterOptions) {
    super();
    this.#options = options;
    this.dataDir = resolve(options.dataDir);
    try {
      this.#ports = planPorts(options.port ?? 8080, options.replicas ?? 3, options.frontends ?? 1);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new ClusterError('BAD_OPTION', message, { cause: error });
    }
  }

  /** Port that is kept free for whoever offers remote control of this cluster. */
  get controlPort(): number {
    return this.#ports.control;
  }

  /** Public URLs of the front-ends. */
  get urls(): readonly string[] {
    return this.#ports.frontends.map((port) => `http://127.0.0.1:${port}`);
  }

  /** What `cluster.json` says now. @throws ClusterError `BAD_PROCESS` if the cluster is not started. */
  describe(): ClusterFile {
    return this.#members.describe();
  }

  /**
   * Starts every process. Where it fails, nothing is left running.
   * @throws ClusterError `ALREADY_RUNNING`, `PORT_TAKEN`, `NOT_OURS` or `BAD_OPTION` before anything has started,
   *   `BAD_PROCESS` if a process cannot be.
   */
  async start(): Promise<void> {
    makeDataFolder(this.dataDir);
    this.#lock = acquireDataLock(this.dataDir);
    try {
      await awaitOrphans(readClusterFile(this.dataDir)?.processes ?? [], STOP_GRACE_MS);
      await this.#checkPorts();
      if (this.#options.fresh === true) emptyDataFolder(this.dataDir);
      checkReplicaCount(this.dataDir, this.#ports.replicas.length);
      this.#started = this.#makeMembers();
      for (const { plan } of this.#started.all) await this.#started.start(plan.name);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops front-ends, then replicas together, then the catalog, and gives the data folder free. */
  async stop(): Promise<void> {
    const members = this.#started;
    if (members !== null) {
      for (const role of ['frontend', 'replica', 'catalog'] as const) {
        await Promise.all(members.ofRole(role).map(async ({ process }) => process.stop(STOP_GRACE_MS)));
      }
      members.closeLogs();
    }
    this.#started = null;
    this.#lock?.release();
    this.#lock = null;
  }

  /** Kills every process at once with SIGKILL; `stop` is still needed after it. */
  async killAll(): Promise<void> {
    const up = (this.#started?.all ?? []).filter(({ process }) => process.pid !== null);
    await Promise.all(up.map(async ({ process }) => process.signal('SIGKILL')));
  }

  /** Sends a signal that ends the process, and waits for its end; gives the pid. @throws ClusterError `BAD_PROCESS`. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    return this.#members.get(name).process.signal(signal);
  }

  /** Stops a process in its tracks, its connections left open. @throws ClusterError `BAD_PROCESS`. */
  async pause(name: string): Promise<void> {
    await this.#members.get(name).process.signal('SIGSTOP');
  }

  /** Lets a paused process go on. @throws ClusterError `BAD_PROCESS`. */
  async resume(name: string): Promise<void> {
    await this.#members.get(name).process.signal('SIGCONT');
  }

  /** Starts a process that is down; gives its pid. @throws ClusterError `BAD_PROCESS`. */
  async startProcess(name: string): Promise<number> {
    return this.#members.start(name);
  }

  /** Stops a process if it is up, and starts it; gives its new pid. @throws ClusterError `BAD_PROCESS`. */
  async restart(name: string): Promise<number> {
    await this.#members.get(name).process.stop(STOP_GRACE_MS);
    return this.#members.start(name);
  }

  /** Name of the replica that leads, null while none does. */
  async leader(): Promise<string | null> {
    const up = this.#members.ofRole('replica').filter(({ process }) => process.pid !== null);
    const ask = async ({ plan }: Member) => [plan.name, await replicaStatus(plan.url)] as const;
    return findLeader(await Promise.all(up.map(ask)));
  }

  /** Names of the processes that a target means now. @throws ClusterError `BAD_PROCESS` if there is none. */
  async resolve(target: Target): Promise<readonly string[]> {
    switch (target.kind) {
      case 'process':
        return [this.#members.get(target.name).plan.name];
      case 'allReplicas':
        return this.#members.ofRole('replica').map(({ plan }) => plan.name);
      case 'leader': {
        const leader = await this.leader();
        if (leader === null) throw new ClusterError('BAD_PROCESS', 'no replica leads at the moment');
        return [leader];
      }
    }
  }

  /**
   * Waits until orders are accepted: a replica leads and every front-end is ready.
   * @throws ClusterError `NOT_READY` after `timeoutMs`, or at once when too many processes have ended.
   */
  async waitReady(timeoutMs = 60_000): Promise<void> {
    const hopeless = (): string | null => this.#hopeless();
    await this.#waitUntil(timeoutMs, async () => this.#unready(), hopeless);
  }

  /** Waits until a process says that it is ready. @throws ClusterError `NOT_READY`, at once if it has ended. */
  async waitProcessReady(name: string, timeoutMs = 60_000): Promise<void> {
    const member = this.#members.get(name);
    const unready = async (): Promise<string | null> =>
      (await isReady(member.plan.url)) ? null : `${name} is not`;
    const hopeless = (): string | null =>
      member.process.pid === null ? this.#members.tellEnded(member) : null;
    await this.#waitUntil(timeoutMs, unready, hopeless);
  }

  async #waitUntil(
    timeoutMs: number,
    unready: () => Promise<string | null>,
    hopeless: () => string | null,
  ): Promise<void> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const why = await unready();
      if (why === null) return;
      const never = hopeless();
      if (never !== null) throw new ClusterError('NOT_READY', never);
      if (performance.now() > until) {
        throw new ClusterError('NOT_READY', `not ready after ${timeoutMs} ms: ${why}`);
      }
      await delay(POLL_MS);
    }
  }

  async #unready(): Promise<string | null> {
    if ((await this.leader()) === null) return 'no replica leads';
    const frontends = this.#members.ofRole('frontend');
    const ready = await Promise.all(frontends.map(async ({ plan }) => isReady(plan.url)));
    const first = frontends[ready.indexOf(false)];
    return first === undefined ? null : `${first.plan.name} is not`;
  }

  /** Why waiting is of no use: too many processes have ended. */
  #hopeless(): string | null {
    const isDown = ({ process }: Member): boolean => process.pid === null;
    const other = this.#members.all.find((member) => member.plan.role !== 'replica' && isDown(member));
    if (other !== undefined) return this.#members.tellEnded(other);
    const replicas = this.#members.ofRole('replica');
    const down = replicas.filter(isDown);
    if (replicas.length - down.length > replicas.length / 2) return null;
    return `no majority: ${down.map((member) => this.#members.tellEnded(member)).join('; ')}`;
  }

  #makeMembers(): Members {
    const { dataDir } = this;
    const { cacheSize, seedFile, env, wrapper, output } = this.#options;
    const paths = fillDataFolder(dataDir);
    const plans = planProcesses({
      dataDir,
      ports: this.#ports,
      paths,
      cacheSize: cacheSize === undefined ? 5 : cacheSize,
      deadlineMs: this.#options.deadlineMs ?? 5000,
      leaseMs: this.#options.leaseMs ?? 500,
      seedFile: seedFile === undefined ? null : resolve(seedFile),
      logLevel: this.#options.logLevel ?? 'info',
      programs: this.#options.programs ?? {},
      route: this.#options.route ?? ((_from, _to, url) => url),
    });
    const head = {
      port: this.#options.port ?? 8080,
      control: `http://127.0.0.1:${this.#ports.control}`,
      startedAt: new Date().toISOString(),
    };
    return new Members({
      ...{ dataDir, plans, head, logs: paths.logs, env: env ?? (() => ({})), wrapper: wrapper ?? (() => []) },
      print: output ?? ((line) => void process.stdout.write(`${line}\n`)),
      onExit: (exit) => void this.emit('exit', exit),
    });
  }

  async #checkPorts(): Promise<void> {
    for (const [name, port] of namedPorts(this.#ports)) {
      if (!(await isPortFree(port))) {
        throw new ClusterError(
          'PORT_TAKEN',
          `port ${port} (${name}) is taken: choose another base port (--port)`,
        );
      }
    }
  }

  get #members(): Members {
    if (this.#started === null) throw new ClusterError('BAD_PROCESS', 'the cluster is not started');
    return this.#started;
  }
}

/**
 * A cluster on this machine: catalogs, replicas and front-ends as processes of their own under one supervisor, which
 * starts, stops and hurts them, and keeps `cluster.json` true. It restarts nothing by itself.
 */
import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import { processesOf, type ClusterFile } from './cluster-file.js';
import type { ClusterOptions } from './cluster-options.js';
import type { FolderLock } from '@trireme/service';
import {
  emptyDataFolder,
  CATALOGS_DEFAULT,
  catalogsOf,
  fillDataFolder,
  foundGroup,
  makeDataFolder,
  replicasOf,
  setAside,
} from './data-folder.js';
import { acquireDataLock } from './data-lock.js';
import { ClusterError } from './errors.js';
import { Members, type Member, type ProcessExit } from './members.js';
import type { ProcessLook } from './control/protocol.js';
import { awaitOrphans } from './orphans.js';
import { checkPorts, warningOfPorts } from './free-ports.js';
import { Probe } from './probe.js';
import {
  planCatalog,
  planProcesses,
  planReplica,
  type PlanOptions,
  type ProcessPlan,
} from './process-plan.js';
import { awaitProcessReady, awaitReady, leaderOf } from './readiness.js';
import { catalogPort, namedPorts, planPorts, replicaPorts, type PortPlan } from './rules/ports.js';
import { catalogNumber, replicaNumber, type Target } from './rules/target.js';
import { certifying, operatorTls } from './tls-folder.js';

/** A process gets this long after SIGTERM; its own deadline is 10 s. */
const STOP_GRACE_MS = 12_000;

/** Within this time the whole cluster has stopped, in milliseconds; however late it is, each process gets a second. */
const STOP_MS_MAX = 13_000;
const GRACE_MS_MIN = 1_000;

/** Steers one cluster; made, started and stopped once. Emits `exit` for every process that ends. */
export class LocalCluster extends EventEmitter<{ exit: [ProcessExit] }> {
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  readonly #options: ClusterOptions;
  #ports: PortPlan;
  #plan: PlanOptions | null = null;
  #lock: FolderLock | null = null;
  #started: Members | null = null;
  #probe = new Probe();

  /** @throws ClusterError `BAD_OPTION` for an option out of bounds. */
  constructor(options: ClusterOptions) {
    super();
    this.#options = options;
    this.dataDir = resolve(options.dataDir);
    const { port = 8080, replicas = 3, frontends = 1, catalogs = CATALOGS_DEFAULT } = options;
    this.#ports = optionsChecked(() => planPorts(port, replicas, frontends, catalogs));
  }

  /** Port that is kept free for whoever offers remote control of this cluster. */
  get controlPort(): number {
    return this.#ports.control;
  }

  /** Public URLs of the front-ends. */
  get urls(): readonly string[] {
    return this.#ports.frontends.map((port, i) => `http://${this.#addressOf(`frontend-${i + 1}`)}:${port}`);
  }

  /** What `cluster.json` says now. @throws ClusterError `BAD_PROCESS` if the cluster is not started. */
  describe(): ClusterFile {
    return this.#members.describe();
  }

  /**
   * Starts every process. Where it fails, nothing is left running.
   * @throws ClusterError `ALREADY_RUNNING`, `PORT_TAKEN`, `NOT_OURS`, `STORAGE_FAILED`, `DAMAGED_FILE` or `BAD_OPTION` before anything has started,
   *   `BAD_PROCESS` if a process cannot be.
   */
  async start(): Promise<void> {
    try {
      makeDataFolder(this.dataDir);
      this.#lock = await acquireDataLock(this.dataDir);
      await awaitOrphans(processesOf(this.dataDir), STOP_GRACE_MS);
      if (this.#options.fresh !== true) this.#takeRecorded();
      await checkPorts(namedPorts(this.#ports));
      const warning = warningOfPorts(this.#ports);
      if (warning !== null) this.#options.output(`!!! ${warning}`);
      if (this.#options.fresh === true) await emptyDataFolder(this.dataDir);
      await foundGroup(
        this.dataDir,
        this.#ports.replicas.map(({ id }) => id),
      );
      this.#started = await this.#makeMembers();
      await this.#started.record();
      for (const { plan } of this.#started.all) await this.#started.start(plan.name);
    } catch (error) {
      await this.stop();
      throw asClusterError(error, this.dataDir);
    }
  }

  /** Stops front-ends, then replicas together, then catalogs, and gives the data folder free. */
  async stop(): Promise<void> {
    const members = this.#started;
    if (members !== null) {
      const until = performance.now() + STOP_MS_MAX;
      for (const role of ['frontend', 'replica', 'catalog'] as const) {
        const graceMs = Math.min(STOP_GRACE_MS, Math.max(GRACE_MS_MIN, until - performance.now()));
        await Promise.all(members.ofRole(role).map(async ({ process }) => process.stop(graceMs)));
      }
      await members.close();
    }
    this.#started = null;
    await this.#probe.close();
    await this.#lock?.release();
    this.#lock = null;
  }

  /** Kills every process at once with SIGKILL; `stop` is still needed after it. */
  async killAll(): Promise<void> {
    const up = (this.#started?.all ?? []).filter(({ process }) => process.pid !== null);
    await Promise.all(up.map(async ({ process }) => process.signal('SIGKILL')));
  }

  /** Sends a signal that ends the process, and waits for its end; gives the pid. @throws ClusterError `BAD_PROCESS`. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const members = this.#members;
    const pid = await members.get(name).process.signal(signal);
    await members.recorded();
    return pid;
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

  /**
   * Starts one more replica, which waits to be let into the group, or one more catalog; gives its pid.
   * @throws ClusterError `BAD_PROCESS` if there is one of that name, `BAD_OPTION` for a number that none may have,
   *   `PORT_TAKEN`.
   */
  async add(name: string): Promise<number> {
    const plan = this.#plan;
    if (plan === null) throw new ClusterError('BAD_PROCESS', 'the cluster is not started');
    return catalogNumber(name) === null ? this.#addReplica(name, plan) : this.#addCatalog(name, plan);
  }

  async #addCatalog(name: string, plan: PlanOptions): Promise<number> {
    const members = this.#members;
    const catalog = optionsChecked(() => catalogPort(this.#ports.base, catalogNumber(name) ?? 0));
    if (this.#ports.catalogs.some(({ id }) => id === catalog.id)) {
      throw new ClusterError('BAD_PROCESS', `there is a ${name} already`);
    }
    const ports = { ...this.#ports, catalogs: [...this.#ports.catalogs, catalog] };
    await checkPorts([[name, catalog.port]]);
    members.add(planCatalog({ ...plan, ports }, catalog));
    this.#ports = ports;
    return members.start(name);
  }

  async #addReplica(name: string, plan: PlanOptions): Promise<number> {
    const members = this.#members;
    const replica = optionsChecked(() => replicaPorts(this.#ports.base, replicaNumber(name) ?? 0));
    if (this.#ports.replicas.some(({ id }) => id === replica.id)) {
      throw new ClusterError('BAD_PROCESS', `there is a ${name} already`);
    }
    const ports = { ...this.#ports, replicas: [...this.#ports.replicas, replica] };
    await checkPorts([
      [name, replica.port],
      [`the peer port of ${name}`, replica.peerPort],
    ]);
    members.add(planReplica({ ...plan, ports }, replica));
    this.#ports = ports;
    return members.start(name);
  }

  /**
   * Stops a replica or a catalog for good and moves its data aside, and says where to, null where there was none; it has
   * to be out of the group already, or out of the set of catalogs.
   * @throws ClusterError `BAD_PROCESS` if there is none of that name, or it is a front-end.
   */
  async retire(name: string): Promise<string | null> {
    const { plan, process } = this.#members.get(name);
    if (plan.role === 'frontend') throw new ClusterError('BAD_PROCESS', `${name} is a front-end`);
    await process.stop(STOP_GRACE_MS);
    const aside = asideOf(plan);
    const replicas = this.#ports.replicas.filter(({ id }) => id !== replicaNumber(name));
    const catalogs = this.#ports.catalogs.filter(({ id }) => id !== catalogNumber(name));
    this.#ports = { ...this.#ports, replicas, catalogs };
    await this.#members.delete(name);
    return aside;
  }

  /**
   * Stops a replica if it is up, moves its data aside, and starts it with none: it waits to be let in again. Gives its pid,
   * and where the data are now.
   * @throws ClusterError `BAD_PROCESS` if there is none of that name.
   */
  async renewReplica(name: string): Promise<{ readonly pid: number; readonly aside: string | null }> {
    const { plan, process } = this.#replica(name);
    await process.stop(STOP_GRACE_MS);
    const aside = asideOf(plan);
    return { pid: await this.#members.start(name), aside };
  }

  /** How a process is. @throws ClusterError `BAD_PROCESS` if there is none of that name. */
  look(name: string): ProcessLook {
    const { process, damaged, lastFailure } = this.#members.get(name);
    return { pid: process.pid, damaged, reason: lastFailure };
  }

  #replica(name: string): Member {
    const member = this.#members.get(name);
    if (member.plan.role !== 'replica') throw new ClusterError('BAD_PROCESS', `${name} is no replica`);
    return member;
  }

  /** Goes by the replicas that the data is of, and by the catalogs that it had. @throws ClusterError `BAD_OPTION`. */
  #takeRecorded(): void {
    const { base } = this.#ports;
    const replicas = replicasOf(this.dataDir, this.#options.replicas);
    const catalogs = catalogsOf(this.dataDir, this.#options.catalogs);
    this.#ports = {
      ...this.#ports,
      replicas: optionsChecked(() => replicas.map((id) => replicaPorts(base, id))),
      catalogs: optionsChecked(() => catalogs.map((id) => catalogPort(base, id))),
    };
  }

  /** Name of the replica that leads, null while none does. */
  async leader(): Promise<string | null> {
    return leaderOf(this.#members, this.#probe);
  }

  /** Names of the processes that a target means now. @throws ClusterError `BAD_PROCESS` if there is none. */
  async resolve(target: Target): Promise<readonly string[]> {
    switch (target.kind) {
      case 'process':
        return [this.#members.get(target.name).plan.name];
      case 'allReplicas':
        return this.#members.ofRole('replica').map(({ plan }) => plan.name);
      case 'allCatalogs':
        return this.#members.ofRole('catalog').map(({ plan }) => plan.name);
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
    await awaitReady(this.#members, this.#probe, timeoutMs);
  }

  /** Waits until a process says that it is ready. @throws ClusterError `NOT_READY`, at once if it has ended. */
  async waitProcessReady(name: string, timeoutMs = 60_000): Promise<void> {
    await awaitProcessReady(this.#members, this.#probe, name, timeoutMs);
  }

  /** Whether a process says that it is ready; false for one that is down. @throws ClusterError `BAD_PROCESS`. */
  async isReady(name: string): Promise<boolean> {
    return this.#probe.isReady(this.#members.get(name).plan.url);
  }

  async #makeMembers(): Promise<Members> {
    const { dataDir } = this;
    const { cacheSize, seedFile, env, wrapper, output } = this.#options;
    const paths = await fillDataFolder(dataDir);
    const certify = certifying(dataDir, this.#options.tls ?? false);
    this.#probe = new Probe(() => operatorTls(dataDir));
    const plan = {
      ...{ dataDir, ports: this.#ports, paths, certify },
      cacheSize: cacheSize === undefined ? 5 : cacheSize,
      deadlineMs: this.#options.deadlineMs ?? 5000,
      seedFile: seedFile === undefined ? null : resolve(seedFile),
      logLevel: this.#options.logLevel ?? 'info',
      programs: this.#options.programs ?? {},
      address: (name: string) => this.#addressOf(name),
      route: this.#options.route ?? ((_from: string, _to: string, url: string) => url),
      advertise: this.#options.advertise ?? ((_name: string, url: string) => url),
    };
    this.#plan = plan;
    const plans = planProcesses(plan);
    const head = {
      port: this.#options.port ?? 8080,
      control: `http://127.0.0.1:${this.#ports.control}`,
      startedAt: new Date().toISOString(),
    };
    return new Members({
      ...{ dataDir, plans, head, logs: paths.logs, env: env ?? (() => ({})), wrapper: wrapper ?? (() => []) },
      print: output,
      onExit: (exit) => void this.emit('exit', exit),
    });
  }

  #addressOf(name: string): string {
    return this.#options.address?.(name) ?? '127.0.0.1';
  }

  get #members(): Members {
    if (this.#started === null) throw new ClusterError('BAD_PROCESS', 'the cluster is not started');
    return this.#started;
  }
}

function asideOf({ data }: ProcessPlan): string | null {
  return data === null ? null : setAside(data, new Date());
}

/** Says what to do where the data folder cannot be written; any other error stays as it is. */
function asClusterError(error: unknown, dataDir: string): unknown {
  if (error instanceof ClusterError || !(error instanceof Error) || !('syscall' in error)) return error;
  return new ClusterError(
    'STORAGE_FAILED',
    `${error.message}. ${dataDir} must be writable, and its disk have room: then start again`,
    { cause: error },
  );
}

/** @throws ClusterError `BAD_OPTION` for what is out of its bounds. */
function optionsChecked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ClusterError('BAD_OPTION', message, { cause: error });
  }
}

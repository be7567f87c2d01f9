/**
 * Supervisor of a cluster on this machine. It runs catalogs, replicas and front-ends as child processes; starts, stops,
 * kills and pauses them; and keeps `cluster.json` up to date. It does not restart processes by itself.
 */
import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import { processesOfLastRun, type ClusterFile } from './data/cluster-file.js';
import type { ClusterOptions } from './cluster-options.js';
import type { FolderLock } from '@trireme/service';
import {
  emptyDataFolder,
  CATALOGS_DEFAULT,
  catalogNumbers,
  createDataFiles,
  writeBootstrapFiles,
  createDataFolder,
  replicaNumbers,
  requireComplete,
  moveAside,
} from './data/data-folder.js';
import { acquireDataLock } from './data/data-lock.js';
import { ClusterError } from './errors.js';
import {
  SupervisedProcesses,
  type SupervisedProcess,
  type ClusterProcessExit,
} from './processes/supervised-processes.js';
import type { ProcessState } from './control/protocol.js';
import { awaitOrphansEnded } from './processes/orphans.js';
import { assertPortsFree, ephemeralPortsWarning } from './ports/free-ports.js';
import { Probe } from './ports/probe.js';
import {
  planCatalog,
  planProcesses,
  planReplica,
  type PlanOptions,
  type ProcessPlan,
} from './processes/process-plan.js';
import { awaitProcessReady, awaitReady, findLeaderName } from './processes/readiness.js';
import { catalogPort, namedPorts, planPorts, replicaPorts, type PortPlan } from './rules/ports.js';
import { catalogNumber, replicaNumber, type Target } from './rules/target.js';
import { openCertificateProvider, operatorTls } from './data/tls-folder.js';

/** Time between SIGTERM and SIGKILL, in milliseconds; the processes' own limit is 10 s. */
const STOP_GRACE_MS = 12_000;

/** Time limit to stop the whole cluster, in milliseconds. */
const STOP_MS_MAX = 13_000;
/** Each process gets at least this long, in milliseconds, even if it exceeds `STOP_MS_MAX`. */
const GRACE_MS_MIN = 1_000;

/** A local cluster, which is started and stopped once. Emits `exit` for every process that ends. */
export class LocalCluster extends EventEmitter<{ exit: [ClusterProcessExit] }> {
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  readonly #options: ClusterOptions;
  #ports: PortPlan;
  #plan: PlanOptions | null = null;
  #lock: FolderLock | null = null;
  #started: SupervisedProcesses | null = null;
  #probe = new Probe();

  /** @throws ClusterError `BAD_OPTION` for an option out of bounds. */
  constructor(options: ClusterOptions) {
    super();
    this.#options = options;
    this.dataDir = resolve(options.dataDir);
    const { port = 8080, replicas = 3, frontends = 1, catalogs = CATALOGS_DEFAULT } = options;
    this.#ports = optionsChecked(() => planPorts(port, replicas, frontends, catalogs));
  }

  /** Port reserved for the control server of this cluster. */
  get controlPort(): number {
    return this.#ports.control;
  }

  /** Public URLs of the front-ends. */
  get urls(): readonly string[] {
    return this.#ports.frontends.map((port, i) => `http://${this.#addressOf(`frontend-${i + 1}`)}:${port}`);
  }

  /** Present contents of `cluster.json`. @throws ClusterError `BAD_PROCESS` if the cluster is not started. */
  describe(): ClusterFile {
    return this.#members.describe();
  }

  /**
   * Starts every process. After a failure no process is left running.
   * @throws ClusterError `ALREADY_RUNNING`, `PORT_TAKEN`, `NOT_OURS`, `STORAGE_FAILED`, `DAMAGED_FILE` or `BAD_OPTION`
   *   before any process is started; `BAD_PROCESS` if a process cannot be started.
   */
  async start(): Promise<void> {
    try {
      createDataFolder(this.dataDir);
      this.#lock = await acquireDataLock(this.dataDir);
      await awaitOrphansEnded(processesOfLastRun(this.dataDir), STOP_GRACE_MS);
      if (this.#options.fresh !== true) {
        requireComplete(this.dataDir);
        this.#useRecordedProcesses();
      }
      await assertPortsFree(namedPorts(this.#ports));
      const warning = ephemeralPortsWarning(this.#ports);
      if (warning !== null) this.#options.output(`!!! ${warning}`);
      if (this.#options.fresh === true) await emptyDataFolder(this.dataDir);
      await writeBootstrapFiles(
        this.dataDir,
        this.#ports.replicas.map(({ id }) => id),
      );
      this.#started = await this.#makeMembers();
      await this.#started.writeRecord();
      for (const { plan } of this.#started.all) await this.#started.start(plan.name);
    } catch (error) {
      await this.stop();
      throw asClusterError(error, this.dataDir);
    }
  }

  /** Stops front-ends, then replicas, then catalogs, and unlocks the data folder. */
  async stop(): Promise<void> {
    const members = this.#started;
    if (members !== null) {
      const until = performance.now() + STOP_MS_MAX;
      for (const role of ['frontend', 'replica', 'catalog'] as const) {
        const graceMs = Math.min(STOP_GRACE_MS, Math.max(GRACE_MS_MIN, until - performance.now()));
        await Promise.all(members.withRole(role).map(async ({ process }) => process.stop(graceMs)));
      }
      await members.close();
    }
    this.#started = null;
    await this.#probe.close();
    await this.#lock?.release();
    this.#lock = null;
  }

  /** Kills every process with SIGKILL. `stop` must still be called afterwards. */
  async killAll(): Promise<void> {
    const up = (this.#started?.all ?? []).filter(({ process }) => process.pid !== null);
    await Promise.all(up.map(async ({ process }) => process.sendSignal('SIGKILL')));
  }

  /** Ends a process with a signal and waits until it has ended. Returns its pid. @throws ClusterError `BAD_PROCESS`. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const members = this.#members;
    const pid = await members.get(name).process.sendSignal(signal);
    await members.awaitRecord();
    return pid;
  }

  /** Pauses a process with SIGSTOP; its connections stay open. @throws ClusterError `BAD_PROCESS`. */
  async pause(name: string): Promise<void> {
    await this.#members.get(name).process.sendSignal('SIGSTOP');
  }

  /** Resumes a paused process. @throws ClusterError `BAD_PROCESS`. */
  async resume(name: string): Promise<void> {
    await this.#members.get(name).process.sendSignal('SIGCONT');
  }

  /** Starts a stopped process. Returns its pid. @throws ClusterError `BAD_PROCESS`. */
  async startProcess(name: string): Promise<number> {
    return this.#members.start(name);
  }

  /** Stops a process if it is up and starts it. Returns its new pid. @throws ClusterError `BAD_PROCESS`. */
  async restart(name: string): Promise<number> {
    await this.#members.get(name).process.stop(STOP_GRACE_MS);
    return this.#members.start(name);
  }

  /**
   * Starts an additional catalog, or an additional replica that waits until it is added to the group. Returns its pid.
   * @throws ClusterError `BAD_PROCESS` if the name exists, `BAD_OPTION` if its number is out of bounds, `PORT_TAKEN`.
   */
  async addProcess(name: string): Promise<number> {
    const plan = this.#plan;
    if (plan === null) throw new ClusterError('BAD_PROCESS', 'the cluster is not started');
    return catalogNumber(name) === null ? this.#addReplica(name, plan) : this.#addCatalog(name, plan);
  }

  async #addCatalog(name: string, plan: PlanOptions): Promise<number> {
    const members = this.#members;
    const catalog = optionsChecked(() => catalogPort(this.#ports.base, catalogNumber(name) ?? 0));
    if (this.#ports.catalogs.some(({ id }) => id === catalog.id)) {
      throw new ClusterError('BAD_PROCESS', `${name} already exists`);
    }
    const ports = { ...this.#ports, catalogs: [...this.#ports.catalogs, catalog] };
    await assertPortsFree([[name, catalog.port]]);
    members.add(planCatalog({ ...plan, ports }, catalog));
    this.#ports = ports;
    return members.start(name);
  }

  async #addReplica(name: string, plan: PlanOptions): Promise<number> {
    const members = this.#members;
    const replica = optionsChecked(() => replicaPorts(this.#ports.base, replicaNumber(name) ?? 0));
    if (this.#ports.replicas.some(({ id }) => id === replica.id)) {
      throw new ClusterError('BAD_PROCESS', `${name} already exists`);
    }
    const ports = { ...this.#ports, replicas: [...this.#ports.replicas, replica] };
    await assertPortsFree([
      [name, replica.port],
      [`the peer port of ${name}`, replica.peerPort],
    ]);
    members.add(planReplica({ ...plan, ports }, replica));
    this.#ports = ports;
    return members.start(name);
  }

  /**
   * Stops a replica or a catalog for good and moves its data aside. It must have left the group, or the catalog set.
   * Returns the new path of the data, null if there were none.
   * @throws ClusterError `BAD_PROCESS` if there is no such process, or it is a front-end.
   */
  async removeProcess(name: string): Promise<string | null> {
    const { plan, process } = this.#members.get(name);
    if (plan.role === 'frontend')
      throw new ClusterError(
        'BAD_PROCESS',
        `${name} is a front-end: only replicas and catalogs can be retired`,
      );
    await process.stop(STOP_GRACE_MS);
    const aside = asideOf(plan);
    const replicas = this.#ports.replicas.filter(({ id }) => id !== replicaNumber(name));
    const catalogs = this.#ports.catalogs.filter(({ id }) => id !== catalogNumber(name));
    this.#ports = { ...this.#ports, replicas, catalogs };
    await this.#members.remove(name);
    return aside;
  }

  /**
   * Stops a replica if it is up, moves its data aside, and starts it with an empty folder. It then waits until it is
   * added to the group. Returns its pid and the new path of the data.
   * @throws ClusterError `BAD_PROCESS` if there is no such replica.
   */
  async resetReplica(name: string): Promise<{ readonly pid: number; readonly aside: string | null }> {
    const { plan, process } = this.#replica(name);
    await process.stop(STOP_GRACE_MS);
    const aside = asideOf(plan);
    return { pid: await this.#members.start(name), aside };
  }

  /** State of a process. @throws ClusterError `BAD_PROCESS` if there is no such process. */
  processState(name: string): ProcessState {
    const { process, damaged, lastFailure } = this.#members.get(name);
    return { pid: process.pid, damaged, reason: lastFailure };
  }

  #replica(name: string): SupervisedProcess {
    const member = this.#members.get(name);
    if (member.plan.role !== 'replica') throw new ClusterError('BAD_PROCESS', `${name} is not a replica`);
    return member;
  }

  /** Uses the replicas and catalogs of the last run, if there was one. @throws ClusterError `BAD_OPTION`. */
  #useRecordedProcesses(): void {
    const { base } = this.#ports;
    const replicas = replicaNumbers(this.dataDir, this.#options.replicas);
    const catalogs = catalogNumbers(this.dataDir, this.#options.catalogs);
    this.#ports = {
      ...this.#ports,
      replicas: optionsChecked(() => replicas.map((id) => replicaPorts(base, id))),
      catalogs: optionsChecked(() => catalogs.map((id) => catalogPort(base, id))),
    };
  }

  /** Name of the replica that leads; null if none does. */
  async leaderName(): Promise<string | null> {
    return findLeaderName(this.#members, this.#probe);
  }

  /** Names of the processes of a target. @throws ClusterError `BAD_PROCESS` if there is none. */
  async resolveTarget(target: Target): Promise<readonly string[]> {
    switch (target.kind) {
      case 'process':
        return [this.#members.get(target.name).plan.name];
      case 'allReplicas':
        return this.#members.withRole('replica').map(({ plan }) => plan.name);
      case 'allCatalogs':
        return this.#members.withRole('catalog').map(({ plan }) => plan.name);
      case 'leader': {
        const leader = await this.leaderName();
        if (leader === null) throw new ClusterError('BAD_PROCESS', 'no replica leads at the moment');
        return [leader];
      }
    }
  }

  /**
   * Waits until the cluster accepts orders: a replica leads and every front-end is ready.
   * @throws ClusterError `NOT_READY` after `timeoutMs`, or at once if too many processes have ended.
   */
  async awaitReady(timeoutMs = 60_000): Promise<void> {
    await awaitReady(this.#members, this.#probe, timeoutMs);
  }

  /** Waits until a process is ready. @throws ClusterError `NOT_READY` after `timeoutMs`, or at once if it has ended. */
  async awaitProcessReady(name: string, timeoutMs = 60_000): Promise<void> {
    await awaitProcessReady(this.#members, this.#probe, name, timeoutMs);
  }

  /** Whether a process is ready; false if it is down. @throws ClusterError `BAD_PROCESS`. */
  async isReady(name: string): Promise<boolean> {
    return this.#probe.isReady(this.#members.get(name).plan.url);
  }

  async #makeMembers(): Promise<SupervisedProcesses> {
    const { dataDir } = this;
    const { cacheSize, seedFile, env, wrapper, output, processOutput = output } = this.#options;
    const { cluster, ...paths } = await createDataFiles(dataDir);
    const certify = openCertificateProvider(dataDir, this.#options.tls ?? false);
    this.#probe = new Probe(() => operatorTls(dataDir));
    const plan = {
      dataDir,
      cluster,
      ports: this.#ports,
      paths,
      certify,
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
    return new SupervisedProcesses({
      dataDir,
      plans,
      head,
      logs: paths.logs,
      env: env ?? (() => ({})),
      wrapper: wrapper ?? (() => []),
      print: output,
      printProcessLine: processOutput,
      onExit: (exit) => void this.emit('exit', exit),
    });
  }

  #addressOf(name: string): string {
    return this.#options.address?.(name) ?? '127.0.0.1';
  }

  get #members(): SupervisedProcesses {
    if (this.#started === null) throw new ClusterError('BAD_PROCESS', 'the cluster is not started');
    return this.#started;
  }
}

function asideOf({ data }: ProcessPlan): string | null {
  return data === null ? null : moveAside(data, new Date());
}

/** Adds advice to a system error of the data folder; returns any other error unchanged. */
function asClusterError(error: unknown, dataDir: string): unknown {
  if (error instanceof ClusterError || !(error instanceof Error) || !('syscall' in error)) return error;
  return new ClusterError(
    'STORAGE_FAILED',
    `${error.message}. Make sure that ${dataDir} is writable and its disk has free space, then start again`,
    { cause: error },
  );
}

/** @throws ClusterError `BAD_OPTION` if `check` throws. */
function optionsChecked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ClusterError('BAD_OPTION', message, { cause: error });
  }
}

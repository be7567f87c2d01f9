/** The processes of one cluster, with their logs and their entries in `cluster.json`. */
import { join } from 'node:path';
import { EXIT_CODE, triremeCommand } from '@trireme/service';
import type { ClusterFile, ProcessRole } from '../data/cluster-file.js';
import { ClusterFileWriter } from '../data/cluster-file-writer.js';
import { ClusterError } from '../errors.js';
import { LogFile } from '../data/log-file.js';
import { ManagedProcess, type ProcessExit } from './managed-process.js';
import { processIdentity } from './process-identity.js';
import type { ProcessPlan } from './process-plan.js';
import { formatLogLine, type LogLevel } from '../rules/log-line.js';
import { replicaNumber } from '../rules/target.js';

/** How a process of the cluster ended. */
export interface ClusterProcessExit extends ProcessExit {
  readonly name: string;
  /** Whether it exited because its data are damaged (exit code 65). */
  readonly damaged: boolean;
  /** The last error that it logged in this run; null if none. */
  readonly reason: string | null;
}

/** One process with the state of its last run. */
export interface SupervisedProcess {
  readonly plan: ProcessPlan;
  readonly process: ManagedProcess;
  readonly log: LogFile;
  identity: string | null;
  lastFailure: string | null;
  /** Whether it exited because its data are damaged, and has not been started since. */
  damaged: boolean;
}

interface MembersOptions {
  readonly dataDir: string;
  readonly logs: string;
  readonly plans: readonly ProcessPlan[];
  /** Contents of `cluster.json` besides the processes. */
  readonly head: Omit<ClusterFile, 'processes'>;
  readonly env: (name: string) => Readonly<Record<string, string>>;
  readonly wrapper: (name: string) => readonly string[];
  readonly print: (line: string) => void;
  readonly printProcessLine: (line: string, level: LogLevel | null) => void;
  readonly onExit: (exit: ClusterProcessExit) => void;
}

export class SupervisedProcesses {
  readonly #options: MembersOptions;
  readonly #members = new Map<string, SupervisedProcess>();
  readonly #record: ClusterFileWriter;

  constructor(options: MembersOptions) {
    const { dataDir, print } = options;
    this.#options = options;
    this.#record = new ClusterFileWriter({ dataDir, print, describe: () => this.describe() });
    for (const plan of options.plans) this.add(plan);
  }

  /** Adds a process that is down. @throws ClusterError `BAD_PROCESS` if its name exists. */
  add(plan: ProcessPlan): void {
    const { name, argv } = plan;
    if (this.#members.has(name)) throw new ClusterError('BAD_PROCESS', `${name} already exists`);
    const options = this.#options;
    const process = new ManagedProcess({
      name,
      argv,
      env: () => options.env(name),
      wrapper: () => options.wrapper(name),
      onLine: (line) => this.#onLine(member, line),
      onEnd: (end) => this.#onEnd(member, end),
    });
    const log = new LogFile(join(options.logs, `${name}.log`));
    const member: SupervisedProcess = {
      plan,
      process,
      log,
      identity: null,
      lastFailure: null,
      damaged: false,
    };
    this.#members.set(name, member);
  }

  /** Writes `cluster.json` before any process is started. @throws the system's error. */
  async writeRecord(): Promise<void> {
    await this.#record.writeFirst();
  }

  /** Resolves once `cluster.json` is up to date, or could not be written. */
  async awaitRecord(): Promise<void> {
    await this.#record.awaitWrite();
  }

  /** Removes a process that is down. @throws ClusterError `BAD_PROCESS` if there is no such process, or it is up. */
  async remove(name: string): Promise<void> {
    const { process, log } = this.get(name);
    if (process.pid !== null) throw new ClusterError('BAD_PROCESS', `${name} is running`);
    this.#members.delete(name);
    await log.close();
    await this.#record.update();
  }

  /** All processes, in the order in which they start. */
  get all(): readonly SupervisedProcess[] {
    return [...this.#members.values()];
  }

  withRole(role: ProcessRole): readonly SupervisedProcess[] {
    return this.all.filter(({ plan }) => plan.role === role);
  }

  /** @throws ClusterError `BAD_PROCESS` if there is no such process. */
  get(name: string): SupervisedProcess {
    const member = this.#members.get(name);
    if (member !== undefined) return member;
    const known = [...this.#members.keys()].join(', ');
    throw new ClusterError('BAD_PROCESS', `unknown process ${name}; the processes are ${known}`);
  }

  /** Starts a process. Returns its pid. @throws ClusterError `BAD_PROCESS` if it is up or cannot be started. */
  async start(name: string): Promise<number> {
    const member = this.get(name);
    member.lastFailure = null;
    member.damaged = false;
    const pid = await member.process.start();
    member.identity = processIdentity(pid);
    await this.#record.update();
    return pid;
  }

  /** Present contents of `cluster.json`. */
  describe(): ClusterFile {
    const processes = this.all.map(({ plan, process, identity }) => ({
      role: plan.role,
      id: plan.name,
      pid: process.pid,
      identity: process.pid === null ? null : identity,
      url: plan.url,
      peerUrl: plan.peerUrl,
      data: plan.data,
      command: process.command,
    }));
    return { ...this.#options.head, processes };
  }

  /** Describes the end of a process, with the last error that it logged. */
  describeExit({ plan, lastFailure }: SupervisedProcess): string {
    return `${plan.name} has exited${lastFailure === null ? '' : `: ${lastFailure}`}`;
  }

  /** Closes logs and `cluster.json`, after all processes have ended. */
  async close(): Promise<void> {
    await Promise.all(this.all.map(async ({ log }) => log.close()));
    await this.#record.close();
  }

  #onLine(member: SupervisedProcess, line: string): void {
    const { readable, level, failure } = formatLogLine(line);
    member.log.append(line);
    if (failure !== null) member.lastFailure = failure;
    this.#options.printProcessLine(`[${member.plan.name}] ${readable}`, level);
  }

  #onEnd(member: SupervisedProcess, end: ProcessExit): void {
    const { name, data } = member.plan;
    const damaged = end.code === EXIT_CODE.damaged;
    member.damaged = damaged;
    void this.#record.update();
    if (damaged) {
      const reason = member.lastFailure ?? `see logs/${name}.log`;
      this.#options.print(`!!! ${name} is DAMAGED and stays down: ${reason}`);
      const number = replicaNumber(name);
      if (number !== null)
        this.#options.print(
          `!!! to rebuild it: ${triremeCommand('members', 'rejoin', String(number), '--data', this.#options.dataDir)}`,
        );
      this.#options.print(`!!! its data are in ${data ?? 'no folder'}; the other processes keep running`);
    } else if (!end.expected) {
      const how = end.signal ?? `exit code ${end.code ?? '?'}`;
      this.#options.print(`!!! ${this.describeExit(member)} (unexpected end of process ${end.pid}, ${how})`);
    }
    this.#options.onExit({ ...end, name, damaged, reason: member.lastFailure });
  }
}

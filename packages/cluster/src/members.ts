/** The processes of one cluster with their logs: started, heard of, and told of in `cluster.json`. */
import { join } from 'node:path';
import { EXIT, operatorCommand } from '@trireme/service';
import type { ClusterFile, Role } from './cluster-file.js';
import { ClusterRecord } from './cluster-record.js';
import { ClusterError } from './errors.js';
import { LogFile } from './log-file.js';
import { ManagedProcess, type ProcessEnd } from './managed-process.js';
import { processIdentity } from './process-identity.js';
import type { ProcessPlan } from './process-plan.js';
import { readLogLine } from './rules/log-line.js';
import { replicaNumber } from './rules/target.js';

/** How a process of the cluster ended. */
export interface ProcessExit extends ProcessEnd {
  readonly name: string;
  /** Whether it refuses to run on what it found on its disk (exit code 65). */
  readonly damaged: boolean;
  /** The last error that it logged in this run, null if none. */
  readonly reason: string | null;
}

/** One process and what is known of its present run. */
export interface Member {
  readonly plan: ProcessPlan;
  readonly process: ManagedProcess;
  readonly log: LogFile;
  identity: string | null;
  lastFailure: string | null;
  /** Whether it ended because of what it found on its disk, and was not started since. */
  damaged: boolean;
}

interface MembersOptions {
  readonly dataDir: string;
  readonly logs: string;
  readonly plans: readonly ProcessPlan[];
  /** What `cluster.json` says beside the processes. */
  readonly head: Omit<ClusterFile, 'processes'>;
  readonly env: (name: string) => Readonly<Record<string, string>>;
  readonly wrapper: (name: string) => readonly string[];
  readonly print: (line: string) => void;
  readonly onExit: (exit: ProcessExit) => void;
}

export class Members {
  readonly #options: MembersOptions;
  readonly #members = new Map<string, Member>();
  readonly #record: ClusterRecord;

  constructor(options: MembersOptions) {
    const { dataDir, print } = options;
    this.#options = options;
    this.#record = new ClusterRecord({ dataDir, print, describe: () => this.describe() });
    for (const plan of options.plans) this.add(plan);
  }

  /** Takes one more, which is down. @throws ClusterError `BAD_PROCESS` if there is one of that name. */
  add(plan: ProcessPlan): void {
    const { name, argv } = plan;
    if (this.#members.has(name)) throw new ClusterError('BAD_PROCESS', `there is a ${name} already`);
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
    const member: Member = { plan, process, log, identity: null, lastFailure: null, damaged: false };
    this.#members.set(name, member);
  }

  /** Records in `cluster.json` who there will be, before any process is started. @throws the system's error. */
  async record(): Promise<void> {
    await this.#record.begin();
  }

  /** Resolves when `cluster.json` says what is the case now, or cannot. */
  async recorded(): Promise<void> {
    await this.#record.written();
  }

  /** Forgets one that is down. @throws ClusterError `BAD_PROCESS` if there is none of that name, or it is up. */
  async delete(name: string): Promise<void> {
    const { process, log } = this.get(name);
    if (process.pid !== null) throw new ClusterError('BAD_PROCESS', `${name} is running`);
    this.#members.delete(name);
    await log.close();
    await this.#record.update();
  }

  /** In the order in which they start. */
  get all(): readonly Member[] {
    return [...this.#members.values()];
  }

  ofRole(role: Role): readonly Member[] {
    return this.all.filter(({ plan }) => plan.role === role);
  }

  /** @throws ClusterError `BAD_PROCESS` if there is none of that name. */
  get(name: string): Member {
    const member = this.#members.get(name);
    if (member !== undefined) return member;
    const known = [...this.#members.keys()].join(', ');
    throw new ClusterError('BAD_PROCESS', `there is no ${name}; there are ${known}`);
  }

  /** Starts one; gives its pid. @throws ClusterError `BAD_PROCESS` if it is up or cannot be started. */
  async start(name: string): Promise<number> {
    const member = this.get(name);
    member.lastFailure = null;
    member.damaged = false;
    const pid = await member.process.start();
    member.identity = processIdentity(pid);
    await this.#record.update();
    return pid;
  }

  /** What `cluster.json` says now. */
  describe(): ClusterFile {
    const processes = this.all.map(({ plan, process, identity }) => ({
      role: plan.role,
      id: plan.name,
      pid: process.pid,
      identity: process.pid === null ? null : identity,
      url: plan.url,
      ...(plan.peerUrl === undefined ? {} : { peerUrl: plan.peerUrl }),
      data: plan.data,
      command: process.command,
    }));
    return { ...this.#options.head, processes };
  }

  /** Says that a process has ended, and why if it said so itself. */
  tellEnded({ plan, lastFailure }: Member): string {
    return `${plan.name} has ended${lastFailure === null ? '' : `: ${lastFailure}`}`;
  }

  /** Brings logs and `cluster.json` to their ends, after all processes have ended. */
  async close(): Promise<void> {
    await Promise.all(this.all.map(async ({ log }) => log.close()));
    await this.#record.close();
  }

  #onLine(member: Member, line: string): void {
    const { readable, failure } = readLogLine(line);
    member.log.append(line);
    if (failure !== null) member.lastFailure = failure;
    this.#options.print(`[${member.plan.name}] ${readable}`);
  }

  #onEnd(member: Member, end: ProcessEnd): void {
    const { name, data } = member.plan;
    const damaged = end.code === EXIT.damaged;
    member.damaged = damaged;
    void this.#record.update();
    if (damaged) {
      const reason = member.lastFailure ?? `see logs/${name}.log`;
      this.#options.print(`!!! ${name} is DAMAGED and stays down: ${reason}`);
      const number = replicaNumber(name);
      if (number !== null)
        this.#options.print(
          `!!! to bring it back: ${operatorCommand('members', 'rejoin', String(number), '--data', this.#options.dataDir)}`,
        );
      this.#options.print(`!!! its data is in ${data ?? 'no folder'}; the other processes go on`);
    } else if (!end.expected) {
      const how = end.signal ?? `exit code ${end.code ?? '?'}`;
      this.#options.print(`!!! ${this.tellEnded(member)} (process ${end.pid}, ${how}), unasked`);
    }
    this.#options.onExit({ ...end, name, damaged, reason: member.lastFailure });
  }
}

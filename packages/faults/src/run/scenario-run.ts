/** The interface of a running scenario for its script: cluster, links, clients, and the timeline of events. */
import { setTimeout as delay } from 'node:timers/promises';
import type { GroupState, LocalCluster } from '@trireme/cluster';
import { CLIENTS, type FaultNetwork } from '../proxy/fault-network.js';
import type { TestCluster } from '../test-cluster.js';
import type { SeededRandom } from '@trireme/client';
import type { Workload } from '../workload/workload.js';
import type { FaultEnvironment } from './fault-environment.js';
import { HostFaults } from './host-faults.js';
import type { ClusterLinks } from './links.js';
import type { Operator } from './operator.js';

/** An event of a run, such as an injected fault. */
export interface TimelineEvent {
  readonly atMs: number;
  readonly what: string;
}

/** Thrown by a script when an expected condition does not hold in time. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

const POLL_MS = 10;

/**
 * Default timeout of waits, long enough for a busy machine. Promised times are checked by the bounds of
 * scenarios.
 */
const WAIT_MS_MAX = 30_000;

interface RunParts {
  readonly testCluster: TestCluster;
  readonly links: ClusterLinks;
  readonly operator: Operator;
  readonly workload: Workload;
  readonly random: SeededRandom;
  readonly environments: Map<string, FaultEnvironment>;
  /** Milliseconds since the start of the run. */
  readonly now: () => number;
  readonly onEntry: (entry: TimelineEvent) => void;
}

export class ScenarioRun {
  readonly testCluster: TestCluster;
  readonly random: SeededRandom;
  readonly #parts: RunParts;
  readonly #timeline: TimelineEvent[] = [];
  readonly #paused = new Set<string>();
  readonly #expectedEnds = new Set<string>();
  readonly #staysDown = new Set<string>();

  constructor(parts: RunParts) {
    this.testCluster = parts.testCluster;
    this.random = parts.random;
    this.#parts = parts;
  }

  /** The proxies. @throws ScenarioError if processes are on separate hosts */
  get network(): FaultNetwork {
    const { proxies } = this.#parts.links;
    if (proxies === null)
      throw new ScenarioError('the scenario uses hosts, so there are no proxies; use run.hosts');
    return proxies;
  }

  /** Faults between hosts. @throws ScenarioError if the scenario defines no hosts */
  get hosts(): HostFaults {
    const { hosts } = this.#parts.links;
    if (hosts === null) throw new ScenarioError('the scenario defines no hosts; use run.network');
    return new HostFaults(hosts, (what) => this.note(what));
  }

  get cluster(): LocalCluster {
    return this.testCluster.cluster;
  }

  get dataDir(): string {
    return this.testCluster.dataDir;
  }

  get timeline(): readonly TimelineEvent[] {
    return this.#timeline;
  }

  /** Milliseconds since the start of the run. */
  now(): number {
    return this.#parts.now();
  }

  /** Names of all processes, or of all processes with one role. */
  names(role?: 'catalog' | 'replica' | 'frontend'): string[] {
    return this.cluster
      .describe()
      .processes.filter((entry) => role === undefined || entry.role === role)
      .map(({ id }) => id);
  }

  /** Adds an event to the timeline. */
  note(what: string): void {
    const entry = { atMs: this.#parts.now(), what };
    this.#timeline.push(entry);
    this.#parts.onEntry(entry);
  }

  async sleep(ms: number): Promise<void> {
    await delay(ms);
  }

  /** Waits for a leader and returns its name. @throws ScenarioError after 30 s. */
  async waitForLeader(): Promise<string> {
    let leader = '';
    await this.waitUntil(
      'a replica leads',
      async () => (leader = (await this.cluster.leaderName()) ?? '') !== '',
    );
    return leader;
  }

  /** Waits for a leader and returns the names of the other replicas. @throws ScenarioError after 30 s. */
  async waitForFollowers(): Promise<string[]> {
    const leader = await this.waitForLeader();
    return this.names('replica').filter((name) => name !== leader);
  }

  /** Waits for a leader other than `old` and returns its name. @throws ScenarioError after 30 s. */
  async waitForOtherLeader(old: string): Promise<string> {
    let leader = '';
    await this.waitUntil(`a replica other than ${old} leads`, async () => {
      leader = (await this.cluster.leaderName()) ?? old;
      return leader !== old;
    });
    return leader;
  }

  /** Measures acknowledged orders per second for `ms` milliseconds. */
  async ordersPerSecond(ms: number): Promise<number> {
    const before = this.#parts.workload.acknowledged;
    const startedAt = performance.now();
    await this.sleep(ms);
    const seconds = (performance.now() - startedAt) / 1000;
    return (this.#parts.workload.acknowledged - before) / seconds;
  }

  /** Waits until this many more orders are acknowledged to clients. @throws ScenarioError after `withinMs`. */
  async waitForOrders(orders = 40, withinMs = WAIT_MS_MAX): Promise<void> {
    const goal = this.#parts.workload.acknowledged + orders;
    await this.waitUntil(
      `${orders} more orders are acknowledged`,
      () => this.#parts.workload.acknowledged >= goal,
      withinMs,
    );
  }

  /** Places one additional order through a front-end. @param frontend from 0 @returns whether it was filled */
  async placeProbeOrder(frontend: number): Promise<boolean> {
    return this.#parts.workload.probe(frontend);
  }

  /**
   * Polls until the condition holds.
   * @param what the condition in words
   * @throws ScenarioError after `withinMs`
   */
  async waitUntil(
    what: string,
    holds: () => Promise<boolean> | boolean,
    withinMs = WAIT_MS_MAX,
  ): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!(await holds())) {
      if (performance.now() > deadline)
        throw new ScenarioError(`timed out after ${withinMs} ms waiting until ${what}`);
      await delay(POLL_MS);
    }
  }

  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.note(`${signal} to ${name}`);
    this.#paused.delete(name);
    await this.cluster.kill(name, signal);
  }

  async pause(name: string): Promise<void> {
    this.note(`pause ${name}`);
    this.#paused.add(name);
    await this.cluster.pause(name);
  }

  async resume(name: string): Promise<void> {
    this.note(`resume ${name}`);
    this.#paused.delete(name);
    await this.cluster.resume(name);
  }

  /** Allows a process to exit by itself from now on, for example when its disk fails. */
  expectExit(name: string): void {
    this.#expectedEnds.add(name);
  }

  /** Keeps a process down at the end of the script, when all others are restarted. */
  keepDown(name: string): void {
    this.#staysDown.add(name);
  }

  get expectedExits(): ReadonlySet<string> {
    return this.#expectedEnds;
  }

  /** Waits until a process has exited. @throws ScenarioError after 30 s. */
  async waitUntilDown(name: string): Promise<void> {
    await this.waitUntil(`${name} exits`, () => !this.isUp(name));
    this.note(`${name} has exited`);
  }

  isUp(name: string): boolean {
    return this.cluster.describe().processes.some(({ id, pid }) => id === name && pid !== null);
  }

  async isReady(name: string): Promise<boolean> {
    return this.cluster.isReady(name);
  }

  /** Starts a stopped process and waits until it is ready. */
  async start(name: string): Promise<void> {
    this.note(`start ${name}`);
    await this.cluster.startProcess(name);
    await this.cluster.awaitProcessReady(name);
  }

  /** Sets the fault environment of a process from its next start on; null removes it. */
  setFaultEnvironment(name: string, environment: FaultEnvironment | null): void {
    if (environment === null) this.#parts.environments.delete(name);
    else this.#parts.environments.set(name, environment);
  }

  /** Cuts a process off from all other processes, and with `everyone` also from clients. */
  isolate(name: string, from: 'processes' | 'everyone' = 'processes'): void {
    this.note(`isolate ${name} from ${from}`);
    const others = this.names().filter((other) => other !== name);
    this.network.cut([name], from === 'everyone' ? [...others, CLIENTS] : others);
  }

  cut(one: readonly string[], other: readonly string[]): void {
    this.note(`cut ${one.join(' and ')} from ${other.join(' and ')}`);
    this.network.cut(one, other);
  }

  /** Blocks all bytes from `from` to `to`, but not in the other direction. */
  cutOneWay(from: readonly string[], to: readonly string[]): void {
    this.note(`block ${from.join(' and ')} to ${to.join(' and ')}`);
    this.network.cutOneWay(from, to);
  }

  healNetwork(): void {
    this.note('heal all links');
    this.network.heal();
  }

  /**
   * Changes the group with `trireme members`, and waits until the change is complete.
   * @throws Error after 90 s.
   */
  async changeMembers(...args: readonly string[]): Promise<void> {
    await this.#operate('members', ...args);
  }

  /**
   * Changes the catalog set with `trireme catalogs`, and waits until the change is complete.
   * @throws Error after 90 s.
   */
  async changeCatalogs(...args: readonly string[]): Promise<void> {
    await this.#operate('catalogs', ...args);
  }

  /**
   * Transfers leadership to a replica with `trireme transfer`.
   * @param number of the replica
   * @throws Error after 90 s
   */
  async transferLeadership(number: string): Promise<void> {
    await this.#operate('transfer', '--to', number);
  }

  /**
   * Exchanges `secret` or `operator-token` with `trireme rotate`, and waits until every process uses the new one.
   * @throws Error after 90 s
   */
  async rotate(what: 'secret' | 'operator-token'): Promise<void> {
    await this.#operate('rotate', what);
  }

  async #operate(...args: readonly string[]): Promise<void> {
    const command = args.join(' ');
    this.note(command);
    await this.#parts.operator.runUntilDone(args, (stderr) => {
      this.note(`retry ${command} after: ${stderr.split('\n')[0] ?? ''}`);
    });
    this.note(`completed: ${command}`);
  }

  /** The group as its leader reports it; null without a leader, or if it does not answer. */
  async group(): Promise<GroupState | null> {
    return this.#parts.operator.group();
  }

  /** Undoes all remaining faults: heals links, resumes paused processes, and starts stopped ones. */
  async healAll(): Promise<void> {
    this.note('heal everything');
    this.#parts.links.proxies?.heal();
    await this.#parts.links.hosts?.heal();
    for (const name of this.#paused) await this.cluster.resume(name);
    this.#paused.clear();
    for (const { id, pid } of this.cluster.describe().processes) {
      if (pid !== null || this.#staysDown.has(id)) continue;
      this.setFaultEnvironment(id, null);
      await this.cluster.startProcess(id);
    }
  }
}

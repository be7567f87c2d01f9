/** One scenario being played, as its script sees it: the cluster, the links, the clients, and what was done when. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Group, LocalCluster } from '@trireme/cluster';
import { CLIENTS, type FaultNetwork } from '../proxy/fault-network.js';
import type { Stage } from '../stage.js';
import type { SeededRandom } from '../rules/random.js';
import type { Workload } from '../workload/workload.js';
import type { Hindrance } from './hindrance.js';
import { HostFaults } from './host-faults.js';
import type { Links } from './links.js';
import type { Operator } from './operator.js';

/** Something that was done to the cluster. */
export interface TimelineEntry {
  readonly atMs: number;
  readonly what: string;
}

/** Thrown when a script waited in vain for what must come about. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
}

const POLL_MS = 10;

/** Far beyond what anything takes, also on a machine that does much else; what is promised are bounds of scenarios. */
const WAIT_MS_MAX = 30_000;

interface RunParts {
  readonly stage: Stage;
  readonly links: Links;
  readonly operator: Operator;
  readonly workload: Workload;
  readonly random: SeededRandom;
  readonly hindrances: Map<string, Hindrance>;
  /** Milliseconds since the run began. */
  readonly now: () => number;
  readonly onEntry: (entry: TimelineEntry) => void;
}

export class Run {
  readonly stage: Stage;
  readonly random: SeededRandom;
  readonly #parts: RunParts;
  readonly #timeline: TimelineEntry[] = [];
  readonly #paused = new Set<string>();
  readonly #expectedEnds = new Set<string>();
  readonly #staysDown = new Set<string>();

  constructor(parts: RunParts) {
    this.stage = parts.stage;
    this.random = parts.random;
    this.#parts = parts;
  }

  /** @throws ScenarioError where processes are on hosts. */
  get network(): FaultNetwork {
    const { proxies } = this.#parts.links;
    if (proxies === null) throw new ScenarioError('between hosts there are no proxies');
    return proxies;
  }

  /** @throws ScenarioError where processes are on this machine. */
  get hosts(): HostFaults {
    const { hosts } = this.#parts.links;
    if (hosts === null) throw new ScenarioError('the scenario names no hosts');
    return new HostFaults(hosts, (what) => this.note(what));
  }

  get cluster(): LocalCluster {
    return this.stage.cluster;
  }

  get dataDir(): string {
    return this.stage.dataDir;
  }

  get timeline(): readonly TimelineEntry[] {
    return this.#timeline;
  }

  /** Milliseconds since the run began. */
  now(): number {
    return this.#parts.now();
  }

  /** Names of all processes, or of those of one role. */
  names(role?: 'catalog' | 'replica' | 'frontend'): string[] {
    return this.cluster
      .describe()
      .processes.filter((entry) => role === undefined || entry.role === role)
      .map(({ id }) => id);
  }

  /** Notes what was done. */
  note(what: string): void {
    const entry = { atMs: this.#parts.now(), what };
    this.#timeline.push(entry);
    this.#parts.onEntry(entry);
  }

  async sleep(ms: number): Promise<void> {
    await delay(ms);
  }

  /** The leader, waited for. @throws ScenarioError after 30 s without one. */
  async leader(): Promise<string> {
    let leader = '';
    await this.until('a replica leads', async () => (leader = (await this.cluster.leader()) ?? '') !== '');
    return leader;
  }

  /** The other replicas, the leader first of all waited for. */
  async followers(): Promise<string[]> {
    const leader = await this.leader();
    return this.names('replica').filter((name) => name !== leader);
  }

  /** Waits for another leader than `old`. @throws ScenarioError after 30 s. */
  async newLeader(old: string): Promise<string> {
    let leader = '';
    await this.until(`another replica than ${old} leads`, async () => {
      leader = (await this.cluster.leader()) ?? old;
      return leader !== old;
    });
    return leader;
  }

  /** Orders whose outcomes clients got within `ms` milliseconds, a second. */
  async ordersPerSecond(ms: number): Promise<number> {
    const before = this.#parts.workload.acknowledged;
    const startedAt = performance.now();
    await this.sleep(ms);
    const seconds = (performance.now() - startedAt) / 1000;
    return (this.#parts.workload.acknowledged - before) / seconds;
  }

  /** Waits until clients got outcomes of so many more orders. @throws ScenarioError after `withinMs`. */
  async progress(orders = 40, withinMs = WAIT_MS_MAX): Promise<void> {
    const wanted = this.#parts.workload.acknowledged + orders;
    await this.until(
      `${orders} more orders are answered`,
      () => this.#parts.workload.acknowledged >= wanted,
      withinMs,
    );
  }

  /** Places one order through one front-end, from 0, beside the clients'. @returns whether it was filled. */
  async probe(frontend: number): Promise<boolean> {
    return this.#parts.workload.probe(frontend);
  }

  /** @throws ScenarioError after `withinMs`. */
  async until(what: string, holds: () => Promise<boolean> | boolean, withinMs = WAIT_MS_MAX): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!(await holds())) {
      if (performance.now() > deadline)
        throw new ScenarioError(`waited ${withinMs} ms in vain until ${what}`);
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

  /** From now on a process may end by itself, as one does whose disk fails. */
  expectEnd(name: string): void {
    this.#expectedEnds.add(name);
  }

  /** It is not started again when the script is over. */
  leaveDown(name: string): void {
    this.#staysDown.add(name);
  }

  get expectedEnds(): ReadonlySet<string> {
    return this.#expectedEnds;
  }

  /** Waits until a process is down. @throws ScenarioError after 30 s. */
  async down(name: string): Promise<void> {
    await this.until(`${name} ends`, () => !this.isUp(name));
    this.note(`${name} has ended`);
  }

  isUp(name: string): boolean {
    return this.cluster.describe().processes.some(({ id, pid }) => id === name && pid !== null);
  }

  async isReady(name: string): Promise<boolean> {
    return this.cluster.isReady(name);
  }

  /** Starts a process that is down and waits until it is ready. */
  async start(name: string): Promise<void> {
    this.note(`start ${name}`);
    await this.cluster.startProcess(name);
    await this.cluster.waitProcessReady(name);
  }

  /** From its next start on, a process gets these variables and this wrapper; none for null. */
  hinder(name: string, hindrance: Hindrance | null): void {
    if (hindrance === null) this.#parts.hindrances.delete(name);
    else this.#parts.hindrances.set(name, hindrance);
  }

  /** Cuts a process off from all other processes, or from clients too. */
  isolate(name: string, from: 'processes' | 'everyone' = 'processes'): void {
    this.note(`isolate ${name} from ${from}`);
    const others = this.names().filter((other) => other !== name);
    this.network.cut([name], from === 'everyone' ? [...others, CLIENTS] : others);
  }

  cut(one: readonly string[], other: readonly string[]): void {
    this.note(`cut ${one.join(' and ')} from ${other.join(' and ')}`);
    this.network.cut(one, other);
  }

  /** What `from` sends does not reach `to`; the other way it does. */
  cutOneWay(from: readonly string[], to: readonly string[]): void {
    this.note(`nothing gets from ${from.join(' and ')} to ${to.join(' and ')}`);
    this.network.cutOneWay(from, to);
  }

  healNetwork(): void {
    this.note('heal all links');
    this.network.heal();
  }

  /** Has an operator change the group by `trireme members`, until it has come about. @throws Error after 90 s. */
  async members(...args: readonly string[]): Promise<void> {
    await this.#operate('members', ...args);
  }

  /** Likewise the set of catalogs by `trireme catalogs`. @throws Error after 90 s. */
  async catalogs(...args: readonly string[]): Promise<void> {
    await this.#operate('catalogs', ...args);
  }

  /** Has an operator transfer leadership to a replica, by its number. @throws Error after 90 s. */
  async transfer(number: string): Promise<void> {
    await this.#operate('transfer', '--to', number);
  }

  async #operate(...args: readonly string[]): Promise<void> {
    const command = args.join(' ');
    this.note(command);
    await this.#parts.operator.trireme(args, (said) => {
      this.note(`${command}, again, as it said: ${said.split('\n')[0] ?? ''}`);
    });
    this.note(`done: ${command}`);
  }

  /** The group as its leader tells of it, null while none does. */
  async group(): Promise<Group | null> {
    return this.#parts.operator.group();
  }

  /** Undoes whatever the script left: links, pauses, processes that are down. */
  async healAll(): Promise<void> {
    this.note('heal everything');
    this.#parts.links.proxies?.heal();
    await this.#parts.links.hosts?.heal();
    for (const name of this.#paused) await this.cluster.resume(name);
    this.#paused.clear();
    for (const { id, pid } of this.cluster.describe().processes) {
      if (pid !== null || this.#staysDown.has(id)) continue;
      this.hinder(id, null);
      await this.cluster.startProcess(id);
    }
  }
}

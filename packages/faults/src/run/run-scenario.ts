/** Runs one scenario on its own cluster, and checks the results. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { summarizeRun, type RunSummary } from '../report/run-summary.js';
import { checkAvailability, measureAvailability, type Availability } from '../rules/availability.js';
import { parseBook } from '../rules/exported-book.js';
import { checkConservation, checkReplicas, type FinalQuantity } from '../rules/final-state.js';
import { checkExits, checkStatuses, type UnexpectedExit } from '../rules/process-checks.js';
import { checkOrderBook } from '../rules/order-book.js';
import { collectOrders } from '../rules/orders.js';
import { SeededRandom } from '@trireme/client';
import { checkResources, resourceTable } from '../rules/resources.js';
import { checkLinearizability } from '../rules/stock-linearizability.js';
import { isPassed, checkResult, type CheckResult } from '../rules/check-result.js';
import { STOCKS, TestCluster, type ReplicaSnapshotState } from '../test-cluster.js';
import { HistoryRecorder } from '../workload/history-recorder.js';
import { Workload, type WorkloadOptions } from '../workload/workload.js';
import type { FaultEnvironment } from './fault-environment.js';
import { openLinks, type ClusterLinks } from './links.js';
import { Operator } from './operator.js';
import { ScenarioRun, type TimelineEvent } from './scenario-run.js';
import type { Scenario } from './scenario.js';
import { ProcessSampler } from './process-sampler.js';

/** The result of a scenario. */
export interface ScenarioResult {
  readonly name: string;
  readonly verdicts: readonly CheckResult[];
  readonly tookMs: number;
  readonly availability: Availability;
  readonly timeline: readonly TimelineEvent[];
  readonly picture: RunSummary;
  /** Table of the memory and file descriptors of each process. */
  readonly resources: string;
  /** Folder with the history, and after a failure with the logs of all processes. */
  readonly folder: string;
}

/** Maximum time from healing all faults until every front-end accepts an order, in milliseconds. */
const HEALED_MS_MAX = 10_000;

/** Maximum time from the last order until all books are equal, in milliseconds. */
const AGREED_MS_MAX = 15_000;

/** Maximum time to find out all unknown outcomes by retries, in milliseconds. */
const SETTLED_MS_MAX = 30_000;

const SEED_QUANTITY = 100;

const WORKLOAD: Omit<WorkloadOptions, 'urls' | 'seed'> = {
  clients: 12,
  clientsWithoutKeys: 3,
  clientsWithShortTimeout: 3,
  shortTimeoutMs: 150,
  pauseMs: 6,
  failurePauseMs: 20,
  inFlightKeyShare: 0.15,
  oldKeyShare: 0.05,
  // Fewer than the cache size, so that look-ups are answered from caches.
  stocks: STOCKS.slice(0, 4),
};

/** Number of orders that are answered before the script starts. */
const WARM_UP_ORDERS = 60;

export interface RunScenarioOptions {
  readonly seed: number;
  /** Folder in which each scenario gets its own folder. */
  readonly results: string;
  readonly onEvent?: (entry: TimelineEvent) => void;
}

/** Runs a scenario. @throws Error only if the cluster does not start; failed checks are part of the result */
export async function runScenario(scenario: Scenario, options: RunScenarioOptions): Promise<ScenarioResult> {
  const startedAt = performance.now();
  const folder = join(options.results, slugOf(scenario.name));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const environments = new Map<string, FaultEnvironment>();
  const links = await openLinks(scenario, environments, options.seed);
  try {
    const testCluster = await TestCluster.open({
      frontends: 2,
      ...scenario.cluster,
      ...links.options,
      env: (name) => environments.get(name)?.env ?? {},
      prepare: (dataDir) => {
        const prepared = scenario.prepare?.(dataDir) ?? {};
        for (const [name, environment] of Object.entries(prepared.environments ?? {}))
          environments.set(name, environment);
        return prepared.cleanUp ?? (() => undefined);
      },
    });
    try {
      const operator = await Operator.open(testCluster.cluster);
      const runner = new ScenarioRunner(scenario, options, {
        testCluster,
        links,
        operator,
        environments,
        folder,
      });
      try {
        const result = await runner.perform();
        return { ...result, tookMs: performance.now() - startedAt };
      } finally {
        await runner.close();
      }
    } finally {
      await testCluster.close();
    }
  } finally {
    await links.close();
  }
}

interface Parts {
  readonly testCluster: TestCluster;
  readonly links: ClusterLinks;
  readonly operator: Operator;
  readonly environments: Map<string, FaultEnvironment>;
  readonly folder: string;
}

class ScenarioRunner {
  readonly #scenario: Scenario;
  readonly #parts: Parts;
  readonly #recorder: HistoryRecorder;
  readonly #workload: Workload;
  readonly #watcher: ProcessSampler;
  readonly #run: ScenarioRun;
  readonly #ends: UnexpectedExit[] = [];
  readonly #verdicts: CheckResult[] = [];

  constructor(scenario: Scenario, { seed, onEvent }: RunScenarioOptions, parts: Parts) {
    const { testCluster, links, operator, environments, folder } = parts;
    this.#scenario = scenario;
    this.#parts = parts;
    this.#recorder = new HistoryRecorder(join(folder, 'history.jsonl'));
    const now = (): number => this.#recorder.now() / 1e6;
    const urls = testCluster.cluster.urls.map((url, i) => links.clientUrl(`frontend-${i + 1}`, url));
    this.#workload = new Workload({ ...WORKLOAD, ...scenario.workload, urls, seed }, this.#recorder);
    this.#watcher = new ProcessSampler(testCluster.cluster, now);
    this.#run = new ScenarioRun({
      testCluster,
      links,
      operator,
      environments,
      now,
      workload: this.#workload,
      random: new SeededRandom(seed),
      onEntry: onEvent ?? (() => undefined),
    });
    testCluster.cluster.on('exit', ({ name, expected, code, signal, reason }) => {
      if (!expected)
        this.#ends.push({ process: name, atMs: now(), how: signal ?? `exit code ${code ?? '?'}`, reason });
    });
  }

  async perform(): Promise<Omit<ScenarioResult, 'tookMs'>> {
    const { name, bounds = {} } = this.#scenario;
    for (const stock of STOCKS) {
      const times = { client: 0, call_ns: 0, return_ns: 0 };
      this.#recorder.add({ ...times, op: 'init', input: { stock, quantity: SEED_QUANTITY }, output: {} });
    }
    this.#watcher.start();
    this.#workload.start();
    const from_ns = this.#recorder.now();
    await this.#attempt('script', async () => {
      await this.#run.waitForOrders(WARM_UP_ORDERS);
      await this.#scenario.script(this.#run);
    });
    await this.#attempt('heal', async () => this.#run.healAll());
    const healedMs = await this.#heal();
    const to_ns = this.#recorder.now();
    await this.#workload.stop();
    const settled = await this.#workload.resolveUnknownOutcomes(SETTLED_MS_MAX);
    const agreed = await this.#agree();
    const quantities = await this.#workload.readFinalState(STOCKS);
    await this.#watcher.stop();
    await this.#recorder.close();

    const convergence = [
      ...(healedMs > HEALED_MS_MAX
        ? [`a front-end did not accept orders within ${HEALED_MS_MAX} ms after healing`]
        : []),
      ...(settled ? [] : [`the outcome of an order was still unknown after ${SETTLED_MS_MAX} ms of retries`]),
      ...(agreed === null ? [`the order books were not equal ${AGREED_MS_MAX} ms after the last order`] : []),
    ];
    this.#verdicts.push(
      checkResult('convergence', `orders accepted ${healedMs.toFixed(0)} ms after healing`, convergence),
    );
    const final = quantities.map(({ stock, quantity, frontend }) => {
      return { stock, quantity, source: `frontend-${frontend + 1}` };
    });
    this.#check(agreed ?? (await this.#parts.testCluster.reachableReplicaStates()), final);
    const availability = measureAvailability(this.#recorder.history, { from_ns, to_ns });
    this.#verdicts.push(checkAvailability(availability, { acknowledgedMin: WARM_UP_ORDERS, ...bounds }));
    const { folder } = this.#parts;
    const picture = summarizeRun(this.#recorder.history, this.#watcher.statuses);
    const result = {
      name,
      verdicts: this.#verdicts,
      availability,
      picture,
      folder,
      timeline: this.#run.timeline,
      resources: resourceTable(this.#watcher.resources),
    };
    this.#keep(result);
    return result;
  }

  async close(): Promise<void> {
    await this.#parts.operator.close();
    await this.#watcher.stop();
    await this.#workload.close();
  }

  async #attempt(check: string, work: () => Promise<void>): Promise<void> {
    const problems: string[] = [];
    try {
      await work();
    } catch (error) {
      problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    this.#verdicts.push(checkResult(check, problems.length === 0 ? 'completed' : 'aborted', problems));
  }

  /** @returns milliseconds until every front-end has filled an order. */
  async #heal(): Promise<number> {
    const startedAt = performance.now();
    const since = (): number => performance.now() - startedAt;
    for (let frontend = 0; frontend < this.#parts.testCluster.cluster.urls.length; frontend += 1) {
      while (!(await this.#workload.probe(frontend)) && since() <= HEALED_MS_MAX) await delay(20);
    }
    return since();
  }

  async #agree(): Promise<ReplicaSnapshotState[] | null> {
    const deadline = performance.now() + AGREED_MS_MAX;
    while (performance.now() < deadline) {
      const replicas = await this.#parts.testCluster.replicaStates().catch(() => []);
      const isSame = new Set(replicas.map(({ applied, book }) => `${applied} ${book}`)).size === 1;
      if (isSame && replicas.every(({ pending }) => pending === 0)) return replicas;
      await delay(50);
    }
    return null;
  }

  #check(replicas: readonly ReplicaSnapshotState[], final: readonly FinalQuantity[]): void {
    const { history, contractViolations } = this.#recorder;
    const book = parseBook(replicas[0]?.book ?? 'number,name,type,quantity\n');
    const initial = new Map(STOCKS.map((stock) => [stock, SEED_QUANTITY]));
    this.#verdicts.push(
      checkLinearizability(history, collectOrders(history).orders),
      checkOrderBook(history, book),
      checkConservation(initial, book, final),
      checkReplicas(replicas),
      checkStatuses(this.#watcher.statuses),
      checkExits(this.#ends, this.#run.expectedExits),
      checkResources(this.#watcher.resources),
      checkResult('answers follow the contract', `${history.length} answers`, contractViolations),
    );
  }

  /** Saves the result, and the logs after a failure, before the data folder is removed. */
  #keep(result: object): void {
    const { folder, testCluster } = this.#parts;
    writeFileSync(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
    if (this.#verdicts.every(isPassed)) return;
    cpSync(join(testCluster.dataDir, 'logs'), join(folder, 'logs'), { recursive: true });
  }
}

function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 80)
    .replaceAll(/^-|-$/g, '');
}

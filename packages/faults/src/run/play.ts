/** Plays one scenario on a cluster of its own, and checks all that came of it. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pictureOf, type Picture } from '../report/picture.js';
import { checkAvailability, measureAvailability, type Availability } from '../rules/availability.js';
import { parseBook } from '../rules/book.js';
import { checkConservation, checkReplicas, type FinalQuantity } from '../rules/final-state.js';
import { checkEnds, checkStatuses, type UnaskedEnd } from '../rules/observations.js';
import { checkOrderBook } from '../rules/order-book.js';
import { collectOrders } from '../rules/orders.js';
import { SeededRandom } from '../rules/random.js';
import { checkResources, resourceTable } from '../rules/resources.js';
import { checkLinearizability } from '../rules/stocks.js';
import { holds, verdict, type Verdict } from '../rules/verdict.js';
import { Stage, type ReplicaState } from '../stage.js';
import { Recorder } from '../workload/recorder.js';
import { Workload, type WorkloadOptions } from '../workload/workload.js';
import type { Hindrance } from './hindrance.js';
import { openLinks, type Links } from './links.js';
import { Operator } from './operator.js';
import { Run, type TimelineEntry } from './run.js';
import type { Scenario } from './scenario.js';
import { Watcher } from './watcher.js';

/** What came of a scenario. */
export interface RunResult {
  readonly name: string;
  readonly verdicts: readonly Verdict[];
  readonly tookMs: number;
  readonly availability: Availability;
  readonly timeline: readonly TimelineEntry[];
  readonly picture: Picture;
  /** Memory and descriptors of each process, before and after, as text. */
  readonly resources: string;
  /** Where the history lies, and after a failure the processes' logs. */
  readonly folder: string;
}

/** Milliseconds from the healing of everything until every front-end takes orders again, at most. */
const HEALED_MS_MAX = 10_000;

/** Milliseconds from the last order until all books are equal. */
const AGREED_MS_MAX = 15_000;

const SETTLED_MS_MAX = 30_000;

const STOCKS = [
  'GameStart',
  'RottenFishCo',
  'BoarCo',
  'MenhirCo',
  'AAPL',
  'AMZN',
  'GOOGL',
  'META',
  'NVDA',
  'NFLX',
];
const SEED_QUANTITY = 100;

const WORKLOAD: Omit<WorkloadOptions, 'urls' | 'seed'> = {
  clients: 12,
  unkeyed: 3,
  impatient: 3,
  impatientMs: 150,
  pauseMs: 6,
  failurePauseMs: 20,
  twinShare: 0.15,
  oldShare: 0.05,
  // Fewer than a cache holds, so that look-ups come from caches.
  stocks: STOCKS.slice(0, 4),
};

/** Orders that are answered before anything goes wrong. */
const WARM_UP_ORDERS = 60;

export interface PlayOptions {
  readonly seed: number;
  /** Gets a folder for each scenario. */
  readonly results: string;
  readonly onEntry?: (entry: TimelineEntry) => void;
}

/** Plays it. @throws only if the cluster cannot be started at all. */
export async function play(scenario: Scenario, options: PlayOptions): Promise<RunResult> {
  const startedAt = performance.now();
  const folder = join(options.results, slugOf(scenario.name));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const hindrances = new Map<string, Hindrance>();
  const links = await openLinks(scenario, hindrances, options.seed);
  try {
    const stage = await Stage.open({
      ...{ frontends: 2, ...scenario.cluster, ...links.options },
      env: (name) => hindrances.get(name)?.env ?? {},
      prepare: (dataDir) => {
        const prepared = scenario.prepare?.(dataDir) ?? {};
        for (const [name, hindrance] of Object.entries(prepared.hindrances ?? {}))
          hindrances.set(name, hindrance);
        return prepared.undo ?? (() => undefined);
      },
    });
    try {
      const operator = await Operator.open(stage.cluster);
      const playing = new Playing(scenario, options, { stage, links, operator, hindrances, folder });
      try {
        const result = await playing.perform();
        return { ...result, tookMs: performance.now() - startedAt };
      } finally {
        await playing.close();
      }
    } finally {
      await stage.close();
    }
  } finally {
    await links.close();
  }
}

interface Parts {
  readonly stage: Stage;
  readonly links: Links;
  readonly operator: Operator;
  readonly hindrances: Map<string, Hindrance>;
  readonly folder: string;
}

class Playing {
  readonly #scenario: Scenario;
  readonly #parts: Parts;
  readonly #recorder: Recorder;
  readonly #workload: Workload;
  readonly #watcher: Watcher;
  readonly #run: Run;
  readonly #ends: UnaskedEnd[] = [];
  readonly #verdicts: Verdict[] = [];

  constructor(scenario: Scenario, { seed, onEntry }: PlayOptions, parts: Parts) {
    const { stage, links, operator, hindrances, folder } = parts;
    this.#scenario = scenario;
    this.#parts = parts;
    this.#recorder = new Recorder(join(folder, 'history.jsonl'));
    const now = (): number => this.#recorder.now() / 1e6;
    const urls = stage.cluster.urls.map((url, i) => links.clientUrl(`frontend-${i + 1}`, url));
    this.#workload = new Workload({ ...WORKLOAD, ...scenario.workload, urls, seed }, this.#recorder);
    this.#watcher = new Watcher(stage.cluster, now);
    this.#run = new Run({
      ...{ stage, links, operator, hindrances, now, workload: this.#workload },
      random: new SeededRandom(seed),
      onEntry: onEntry ?? (() => undefined),
    });
    stage.cluster.on('exit', ({ name, expected, code, signal, reason }) => {
      if (!expected)
        this.#ends.push({ process: name, atMs: now(), how: signal ?? `exit code ${code ?? '?'}`, reason });
    });
  }

  async perform(): Promise<Omit<RunResult, 'tookMs'>> {
    const { name, bounds = {} } = this.#scenario;
    for (const stock of STOCKS) {
      const times = { client: 0, call_ns: 0, return_ns: 0 };
      this.#recorder.add({ ...times, op: 'init', input: { stock, quantity: SEED_QUANTITY }, output: {} });
    }
    this.#watcher.start();
    this.#workload.start();
    const from_ns = this.#recorder.now();
    await this.#attempt('script', async () => {
      await this.#run.progress(WARM_UP_ORDERS);
      await this.#scenario.script(this.#run);
    });
    await this.#attempt('heal', async () => this.#run.healAll());
    const healedMs = await this.#heal();
    const to_ns = this.#recorder.now();
    await this.#workload.stop();
    const settled = await this.#workload.settle(SETTLED_MS_MAX);
    const agreed = await this.#agree();
    const told = await this.#workload.lookOver(STOCKS);
    await this.#watcher.stop();
    await this.#recorder.close();

    const convergence = [
      ...(healedMs > HEALED_MS_MAX
        ? [`not every front-end took orders ${HEALED_MS_MAX} ms after healing`]
        : []),
      ...(settled ? [] : [`an order's outcome could not be found out in ${SETTLED_MS_MAX} ms`]),
      ...(agreed === null ? [`the books were not equal ${AGREED_MS_MAX} ms after the last order`] : []),
    ];
    this.#verdicts.push(
      verdict('convergence', `orders flow ${healedMs.toFixed(0)} ms after healing`, convergence),
    );
    const final = told.map(({ stock, quantity, frontend }) => {
      return { stock, quantity, source: `frontend-${frontend + 1}` };
    });
    this.#check(agreed ?? (await this.#parts.stage.answeringReplicas()), final);
    const availability = measureAvailability(this.#recorder.history, { from_ns, to_ns });
    this.#verdicts.push(checkAvailability(availability, { acknowledgedMin: WARM_UP_ORDERS, ...bounds }));
    const { folder } = this.#parts;
    const picture = pictureOf(this.#recorder.history, this.#watcher.statuses);
    const result = {
      ...{ name, verdicts: this.#verdicts, availability, picture, folder },
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
    this.#verdicts.push(verdict(check, problems.length === 0 ? 'done' : 'broken off', problems));
  }

  /** @returns milliseconds until every front-end took an order. */
  async #heal(): Promise<number> {
    const startedAt = performance.now();
    const since = (): number => performance.now() - startedAt;
    for (let frontend = 0; frontend < this.#parts.stage.cluster.urls.length; frontend += 1) {
      while (!(await this.#workload.probe(frontend)) && since() <= HEALED_MS_MAX) await delay(20);
    }
    return since();
  }

  async #agree(): Promise<ReplicaState[] | null> {
    const deadline = performance.now() + AGREED_MS_MAX;
    while (performance.now() < deadline) {
      const replicas = await this.#parts.stage.replicas().catch(() => []);
      const isSame = new Set(replicas.map(({ applied, book }) => `${applied} ${book}`)).size === 1;
      if (isSame && replicas.every(({ pending }) => pending === 0)) return replicas;
      await delay(50);
    }
    return null;
  }

  #check(replicas: readonly ReplicaState[], final: readonly FinalQuantity[]): void {
    const { history, surprises } = this.#recorder;
    const book = parseBook(replicas[0]?.book ?? 'number,name,type,quantity\n');
    const initial = new Map(STOCKS.map((stock) => [stock, SEED_QUANTITY]));
    this.#verdicts.push(
      checkLinearizability(history, collectOrders(history).orders),
      checkOrderBook(history, book),
      checkConservation(initial, book, final),
      checkReplicas(replicas),
      checkStatuses(this.#watcher.statuses),
      checkEnds(this.#ends, this.#run.expectedEnds),
      checkResources(this.#watcher.resources),
      verdict('answers by the contract', `${history.length} answers`, surprises),
    );
  }

  /** What it takes to understand a failure outlives the data folder. */
  #keep(result: object): void {
    const { folder, stage } = this.#parts;
    writeFileSync(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
    if (this.#verdicts.every(holds)) return;
    cpSync(join(stage.dataDir, 'logs'), join(folder, 'logs'), { recursive: true });
  }
}

function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 80)
    .replaceAll(/^-|-$/g, '');
}

/** The random mode: injects random faults, several at a time, and undoes each after a random time. */
import { missingCapability } from './capabilities.js';
import { FAULT_KINDS, type Fault, type FaultKind } from './fault-kinds.js';
import { controllableWallClock } from './clocks.js';
import { mountLoopDisk, controllableSyncs } from './disks.js';
import { combineEnvironments, type FaultEnvironment } from './fault-environment.js';
import type { ScenarioRun } from './scenario-run.js';
import type { Preparation, Scenario } from './scenario.js';

/** Maximum number of faults at the same time. */
const ACTIVE_MAX = 3;

/** Duration of a fault, and maximum pause between two faults, in milliseconds. */
const LASTS_MS = { min: 100, max: 4_000 };
const PAUSE_MS_MAX = 1_500;

/**
 * At these intervals all faults end, and this many orders must be answered in time, although processes are
 * still starting.
 */
const CALM_EVERY_MS = 45_000;
const CALM_ORDERS = 40;
const CALM_MS_MAX = 15_000;

/** Size of each loop disk; a run of an hour uses a tenth of it. */
const DISK_MEBIBYTES = 512;

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];
const OTHERS = ['catalog-1', 'catalog-2', 'frontend-1', 'frontend-2'];

/** Sets up all processes for the faults that act from within a process or its disk. */
function prepare(dataDir: string, kinds: readonly FaultKind[]): Preparation {
  const needed = new Set(kinds.flatMap(({ needs }) => needs));
  const environments: Record<string, FaultEnvironment> = {};
  for (const name of [...REPLICAS, ...OTHERS]) {
    environments[name] = combineEnvironments([
      ...(needed.has('compiler') && REPLICAS.includes(name) ? [controllableSyncs(dataDir, name)] : []),
      ...(needed.has('faketime') ? [controllableWallClock(dataDir, name)] : []),
    ]);
  }
  const mounted = needed.has('loop device') ? REPLICAS : [];
  const unmounts = mounted.map((name) => mountLoopDisk(dataDir, name, DISK_MEBIBYTES));
  return { environments: environments, cleanUp: () => unmounts.forEach((unmount) => unmount()) };
}

/** @returns a scenario that injects random faults for `minutes` */
export function randomFaultsScenario(minutes: number): Scenario {
  const kinds = FAULT_KINDS.filter(({ needs }) => missingCapability(needs) === null);
  return {
    name: `random faults for ${minutes} minutes`,
    workload: { clientsWithoutKeys: 2, clientsWithShortTimeout: 2 },
    prepare: (dataDir) => prepare(dataDir, kinds),
    script: async (run) => new RandomFaults(run, kinds).play(minutes * 60_000),
  };
}

class RandomFaults {
  readonly #run: ScenarioRun;
  /** Each kind repeated by its weight. */
  readonly #kinds: readonly FaultKind[];
  readonly #active = new Map<Fault, number>();
  readonly #injected: Map<string, number>;

  constructor(run: ScenarioRun, kinds: readonly FaultKind[]) {
    this.#run = run;
    this.#kinds = kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
    this.#injected = new Map(kinds.map(({ name }) => [name, 0]));
  }

  async play(forMs: number): Promise<void> {
    const endsAt = performance.now() + forMs;
    let calmAt = performance.now() + CALM_EVERY_MS;
    try {
      while (performance.now() < endsAt) {
        await this.#endFaults((until) => until <= performance.now());
        if (performance.now() > calmAt) {
          await this.#endFaults(() => true);
          this.#run.note('no faults for a while');
          await this.#run.waitForOrders(CALM_ORDERS, CALM_MS_MAX);
          calmAt = performance.now() + CALM_EVERY_MS;
        }
        await this.#beginOne();
        await this.#run.sleep(this.#run.random.below(PAUSE_MS_MAX));
      }
      await this.#endFaults(() => true);
    } finally {
      const counts = [...this.#injected].map(([name, times]) => `${name} ${times}`);
      this.#run.note(`faults injected: ${counts.join(', ')}`);
    }
  }

  async #beginOne(): Promise<void> {
    if (this.#active.size >= ACTIVE_MAX) return;
    const kind = this.#kinds[this.#run.random.below(this.#kinds.length)];
    if (kind === undefined) throw new RangeError('this machine supports no kind of fault');
    const fault = kind.draw(this.#run);
    const claimed = new Set([...this.#active.keys()].flatMap(({ processes }) => processes));
    if (fault.processes.some((name) => claimed.has(name) || !this.#run.isUp(name))) return;
    const { min, max } = LASTS_MS;
    this.#run.note(fault.what);
    this.#injected.set(kind.name, (this.#injected.get(kind.name) ?? 0) + 1);
    this.#active.set(fault, performance.now() + min + this.#run.random.below(max - min));
    await fault.begin?.();
    this.#imposeLinks();
  }

  async #endFaults(isOver: (until: number) => boolean): Promise<void> {
    for (const [fault, until] of this.#active) {
      if (!isOver(until)) continue;
      this.#active.delete(fault);
      this.#run.note(`end: ${fault.what}`);
      await fault.end?.();
    }
    this.#imposeLinks();
  }

  #imposeLinks(): void {
    this.#run.network.replaceConditions(
      [...this.#active.keys()].flatMap(({ linkChanges }) => linkChanges ?? []),
    );
  }
}

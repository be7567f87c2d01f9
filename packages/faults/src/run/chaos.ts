/** Faults drawn at random, several at a time, each undone after a while. */
import { whyNot } from './capabilities.js';
import { KINDS, type Fault, type Kind } from './chaos-kinds.js';
import { jumpyWallClock } from './clocks.js';
import { mountLoopDisk, unsoundSyncs } from './disks.js';
import { together, type Hindrance } from './hindrance.js';
import type { Run } from './run.js';
import type { Preparation, Scenario } from './scenario.js';

/** Faults at the same time, at most. */
const ACTIVE_MAX = 3;

/** Milliseconds that a fault lasts, and from one draw to the next. */
const LASTS_MS = { min: 100, max: 4_000 };
const PAUSE_MS_MAX = 1_500;

/** Now and then all is healed and so many orders have to be answered in time, though processes have yet to start. */
const CALM_EVERY_MS = 45_000;
const CALM_ORDERS = 40;
const CALM_MS_MAX = 15_000;

/** Of each disk whose power can be cut; what a run of an hour leaves is a tenth of that. */
const DISK_MEBIBYTES = 512;

const REPLICAS = ['replica-1', 'replica-2', 'replica-3'];
const OTHERS = ['catalog-1', 'catalog-2', 'frontend-1', 'frontend-2'];

/** Has every process meet what the kinds do to it from within. */
function prepare(dataDir: string, kinds: readonly Kind[]): Preparation {
  const needed = new Set(kinds.flatMap(({ needs }) => needs));
  const hindrances: Record<string, Hindrance> = {};
  for (const name of [...REPLICAS, ...OTHERS]) {
    hindrances[name] = together([
      ...(needed.has('compiler') && REPLICAS.includes(name) ? [unsoundSyncs(dataDir, name)] : []),
      ...(needed.has('faketime') ? [jumpyWallClock(dataDir, name)] : []),
    ]);
  }
  const mounted = needed.has('loop device') ? REPLICAS : [];
  const undone = mounted.map((name) => mountLoopDisk(dataDir, name, DISK_MEBIBYTES));
  return { hindrances, undo: () => undone.forEach((undo) => undo()) };
}

/** @returns a scenario of so many minutes. */
export function chaos(minutes: number): Scenario {
  const kinds = KINDS.filter(({ needs }) => whyNot(needs) === null);
  return {
    name: `faults drawn at random for ${minutes} minutes`,
    workload: { unkeyed: 2, impatient: 2 },
    prepare: (dataDir) => prepare(dataDir, kinds),
    script: async (run) => new Chaos(run, kinds).play(minutes * 60_000),
  };
}

class Chaos {
  readonly #run: Run;
  /** Each as often as it weighs. */
  readonly #kinds: readonly Kind[];
  readonly #active = new Map<Fault, number>();
  readonly #injected: Map<string, number>;

  constructor(run: Run, kinds: readonly Kind[]) {
    this.#run = run;
    this.#kinds = kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
    this.#injected = new Map(kinds.map(({ name }) => [name, 0]));
  }

  async play(forMs: number): Promise<void> {
    const endsAt = performance.now() + forMs;
    let calmAt = performance.now() + CALM_EVERY_MS;
    try {
      while (performance.now() < endsAt) {
        await this.#endThose((until) => until <= performance.now());
        if (performance.now() > calmAt) {
          await this.#endThose(() => true);
          this.#run.note('calm');
          await this.#run.progress(CALM_ORDERS, CALM_MS_MAX);
          calmAt = performance.now() + CALM_EVERY_MS;
        }
        await this.#beginOne();
        await this.#run.sleep(this.#run.random.below(PAUSE_MS_MAX));
      }
      await this.#endThose(() => true);
    } finally {
      const told = [...this.#injected].map(([name, times]) => `${name} ${times}`);
      this.#run.note(`faults injected: ${told.join(', ')}`);
    }
  }

  async #beginOne(): Promise<void> {
    if (this.#active.size >= ACTIVE_MAX) return;
    const kind = this.#kinds[this.#run.random.below(this.#kinds.length)];
    if (kind === undefined) throw new RangeError('there is no kind of fault');
    const fault = kind.draw(this.#run);
    const claimed = new Set([...this.#active.keys()].flatMap(({ claims }) => claims));
    if (fault.claims.some((name) => claimed.has(name) || !this.#run.isUp(name))) return;
    const { min, max } = LASTS_MS;
    this.#run.note(fault.what);
    this.#injected.set(kind.name, (this.#injected.get(kind.name) ?? 0) + 1);
    this.#active.set(fault, performance.now() + min + this.#run.random.below(max - min));
    await fault.begin?.();
    this.#imposeLinks();
  }

  async #endThose(isOver: (until: number) => boolean): Promise<void> {
    for (const [fault, until] of this.#active) {
      if (!isOver(until)) continue;
      this.#active.delete(fault);
      this.#run.note(`end: ${fault.what}`);
      await fault.end?.();
    }
    this.#imposeLinks();
  }

  #imposeLinks(): void {
    this.#run.network.impose([...this.#active.keys()].flatMap(({ hardships }) => hardships ?? []));
  }
}

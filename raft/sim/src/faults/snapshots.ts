/** What goes wrong while snapshots travel and are installed. */
import { MS, SECOND, type Micros } from '../engine/scheduler.js';
import type { SnapshotMoment } from '../world.js';
import type { FaultKind } from './fault.js';
import type { Running } from './nemesis.js';

/** For how long a member is away that was hit. */
const AWAY_MEAN: Micros = SECOND / 2;

const MOMENTS: readonly SnapshotMoment[] = ['snapshotReceiving', 'durable', 'snapshotSending', 'compacted'];

/** Whoever receives a snapshot, or sends one, dies in the middle: while it comes, is installed, or the log begins anew. */
const snapshotHunt: FaultKind = {
  name: 'snapshot hunt',
  weight: 4,
  isApplicable: ({ compaction }) => compaction !== null,
  begin(world, random): Running {
    const kind = random.pick(['kill', 'powerLoss'] as const);
    const hunted = random.pick(MOMENTS);
    const mercy = random.pick([0.3, 1, 8]) * MS;
    const stop = world.onSnapshot((process, moment) => {
      if (moment !== hunted || random.chance(0.3)) return;
      world.scheduler.after(random.exponential(mercy), () => {
        if (process.isDown) return;
        world.scheduler.after(random.exponential(AWAY_MEAN), process.takeDown(kind));
      });
    });
    return { text: `snapshot hunt: ${kind} ${mercy / MS} ms after ${hunted}`, stop };
  },
};

export const SNAPSHOT_FAULTS: readonly FaultKind[] = [snapshotHunt];

/** Faults during transfers and installs of snapshots. */
import { MS, SECOND, type Micros } from '../engine/scheduler.js';
import type { SnapshotMoment } from '../cluster-simulation.js';
import type { FaultKind } from './fault.js';
import type { ActiveFault } from './nemesis.js';

/** Mean time for which a crashed member is down. */
const DOWN_MEAN: Micros = SECOND / 2;

const MOMENTS: readonly SnapshotMoment[] = ['snapshotReceiving', 'durable', 'snapshotSending', 'compacted'];

/** Members crash while they send, receive or install a snapshot, or shortly after a compaction. */
const snapshotCrash: FaultKind = {
  name: 'crash in snapshot',
  weight: 4,
  isApplicable: ({ compaction }) => compaction !== null,
  begin(simulation, random): ActiveFault {
    const kind = random.pick(['kill', 'powerLoss'] as const);
    const trigger = random.pick(MOMENTS);
    const delayMean = random.pick([0.3, 1, 8]) * MS;
    const stop = simulation.onSnapshot((process, moment) => {
      if (moment !== trigger || random.chance(0.3)) return;
      simulation.scheduler.after(random.exponential(delayMean), () => {
        if (process.isDown) return;
        simulation.scheduler.after(random.exponential(DOWN_MEAN), process.keepDown(kind));
      });
    });
    return { text: `crash in snapshot: ${kind} ${delayMean / MS} ms after ${trigger}`, stop };
  },
};

export const SNAPSHOT_FAULTS: readonly FaultKind[] = [snapshotCrash];

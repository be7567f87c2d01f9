/** Status of a replica. */
import { EMPTY_MEMBERSHIP } from '@trireme/raft';
import { Metrics } from '@trireme/service';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ReplicaMetrics } from './status.js';

const BASE = {
  index: 100,
  term: 1,
  membership: EMPTY_MEMBERSHIP,
};

/** Counters of a leader whose log was compacted before replica 3 had it. */
function metricsWithLagging3(): ReplicaMetrics {
  const counts = new ReplicaMetrics(new Metrics({ service: 'replica', id: '1' }));
  counts.onLeader('1');
  counts.onNodeEvent({ type: 'followerNeedsSnapshot', to: '3', index: 40, base: BASE });
  return counts;
}

const matchOf3 = (match: number | null): { matchIndexOf: (member: string) => number | null } => ({
  matchIndexOf: (member) => (member === '3' ? match : null),
});

test('followerNeedingSnapshot reports a follower that needs compacted entries until it has caught up to the start of the log', () => {
  const counts = metricsWithLagging3();
  const needing = { replica: '3', missingEntries: 60, logStartsAfter: 100 };
  assert.equal(counts.followerNeedingSnapshot(matchOf3(40)), needing);
  counts.onNodeEvent({ type: 'snapshotSent', to: '3', base: { ...BASE, index: 90 } });
  assert.equal(
    counts.followerNeedingSnapshot(matchOf3(90)),
    needing,
    'the log was compacted again while the snapshot was sent',
  );
  assert.is(counts.followerNeedingSnapshot(matchOf3(100)), null, 'however it caught up');
});

test('followerNeedingSnapshot reports nothing once the follower has left or the leader has changed', () => {
  assert.is(metricsWithLagging3().followerNeedingSnapshot(matchOf3(null)), null);
  const counts = metricsWithLagging3();
  counts.onLeader(null);
  counts.onLeader('1');
  assert.is(counts.followerNeedingSnapshot(matchOf3(0)), null);
});

test.run();

/** What a replica shows of itself. */
import { NO_MEMBERS } from '@trireme/raft';
import { Metrics } from '@trireme/service';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ReplicaCounts } from './replica-view.js';

const PARTS = {
  ...{ machine: null, node: null, session: null, frontends: 0 },
  ...{ catalogs: [], outrun: null, isStopping: false },
};

const BASE = {
  index: 100,
  term: 1,
  membership: NO_MEMBERS,
};

/** Counts of a leader whose log was cut before replica 3 had it. */
function outrunBy3(): ReplicaCounts {
  const counts = new ReplicaCounts(new Metrics({ service: 'replica', id: '1' }), () => PARTS);
  counts.ledBy('1');
  counts.told({ type: 'followerOutrun', to: '3', index: 40, base: BASE });
  return counts;
}

const matchOf3 = (match: number | null): { matchOf: (member: string) => number | null } => ({
  matchOf: (member) => (member === '3' ? match : null),
});

test('a follower that the log was cut before is shown until it has come to where the log starts', () => {
  const counts = outrunBy3();
  const outrun = { replica: '3', lacks: 60, logStartsAfter: 100 };
  assert.equal(counts.outrun(matchOf3(40)), outrun);
  counts.told({ type: 'snapshotSent', to: '3', base: { ...BASE, index: 90 } });
  assert.equal(counts.outrun(matchOf3(90)), outrun, 'the log was cut once more while the snapshot was sent');
  assert.is(counts.outrun(matchOf3(100)), null, 'however it caught up');
});

test('it is not shown once it has left the group, or another leadership has begun', () => {
  assert.is(outrunBy3().outrun(matchOf3(null)), null);
  const counts = outrunBy3();
  counts.ledBy(null);
  counts.ledBy('1');
  assert.is(counts.outrun(matchOf3(0)), null);
});

test.run();

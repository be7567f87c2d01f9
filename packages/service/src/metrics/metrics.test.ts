import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Metrics } from './metrics.js';
import { Counter } from './counter.js';

function lines(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(name));
}

test('values are read at each scrape, and names have the prefix', async () => {
  const clock = { now: 0 };
  const state = { commit: 3, links: new Map([['2', 1]]) };
  const metrics = new Metrics({ service: 'test', id: 't-1' }, () => clock.now);
  metrics.addCounter('proposals_committed_total', 'Committed.', () => state.commit);
  metrics.addGauge('peers', 'Peers.', () =>
    [...state.links].map(([peer, value]) => [{ peer }, value] as const),
  );
  const first = await metrics.page();
  assert.match(first.contentType, /text\/plain/);
  assert.equal(lines(first.text, 'trireme_proposals'), ['trireme_proposals_committed_total 3']);
  assert.equal(lines(first.text, 'trireme_peers'), ['trireme_peers{peer="2"} 1']);
  assert.match(first.text, /trireme_process_info\{service="test",id="t-1",node="v\d+/);
  assert.match(first.text, /process_resident_memory_bytes \d+/);

  state.commit = 5;
  state.links = new Map([['3', 0]]);
  clock.now = 1_000;
  const { text } = await metrics.page();
  assert.equal(lines(text, 'trireme_proposals'), ['trireme_proposals_committed_total 5']);
  assert.equal(
    lines(text, 'trireme_peers'),
    ['trireme_peers{peer="3"} 0'],
    'a label without a value is removed',
  );
});

test('scrapes within 200 ms share a page', async () => {
  const clock = { now: 0 };
  let reads = 0;
  const metrics = new Metrics({ service: 'test', id: 't' }, () => clock.now);
  metrics.addGauge('x', 'X.', () => (reads += 1));
  const pages = await Promise.all([metrics.page(), metrics.page(), metrics.page()]);
  assert.is(new Set(pages.map(({ text }) => text)).size, 1);
  clock.now = 199;
  await metrics.page();
  assert.is(reads, 1);
  clock.now = 200;
  await metrics.page();
  assert.is(reads, 2);
});

test('addHistogram are counted in buckets of seconds', async () => {
  const metrics = new Metrics({ service: 'test', id: 't' });
  const sink = metrics.addHistogram('log_sync_duration_seconds', 'Syncs.');
  for (const seconds of [0.00005, 0.003, 60]) sink.observe(seconds);
  const { text } = await metrics.page();
  assert.match(text, /trireme_log_sync_duration_seconds_bucket\{le="0.0001"\} 1/);
  assert.match(text, /trireme_log_sync_duration_seconds_bucket\{le="0.0032"\} 2/);
  assert.match(text, /trireme_log_sync_duration_seconds_bucket\{le="\+Inf"\} 3/);
  assert.match(text, /trireme_log_sync_duration_seconds_count 3/);
});

test('Tally counts by labels, up to a limit', () => {
  const tally = new Counter();
  tally.increment({ status: 'A' });
  tally.increment({ status: 'A' });
  assert.equal([...tally], [[{ status: 'A' }, 2]]);
  for (let i = 0; i < 1_000; i += 1) tally.increment({ status: `s${i}` });
  const counts = [...tally];
  assert.is(counts.length, 257);
  assert.is(
    counts.reduce((sum, [, count]) => sum + count, 0),
    1_002,
  );
  assert.equal(counts.at(-1), [{ status: 'other' }, 745]);
});

test.run();

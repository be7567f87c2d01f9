/** Measurement and bounds of availability and resources. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkAvailability, measureAvailability } from './availability.js';
import { checkResources, RESOURCE_BOUNDS, resourceTable, type ResourceSample } from './resources.js';
import { create, init, read, trade } from './testing/histories.js';

const history = [
  init('AAPL', 10),
  trade(1, 'AAPL', [100, 110], -1),
  create(2, 'k', [100, 150], 'insufficient'),
  read(1, 'AAPL', [160, 170], 'failed'),
  trade(1, 'AAPL', [180, 185], -1, 'failed'),
  trade(2, 'AAPL', [190, null], -1),
  read(1, 'AAPL', [200, 380], 9),
  trade(1, 'AAPL', [390, 400], -1),
  trade(1, 'AAPL', [900, 910], -1),
];
const span = { from_ns: 100e6, to_ns: 450e6 };

test('measureAvailability counts operations of its span, and finds the longest gaps of orders and look-ups', () => {
  assert.equal(measureAvailability(history, span), {
    operations: 7,
    acknowledged: 3,
    failed: 2,
    unknown: 1,
    longestGapMs: 250,
    longestGapAtMs: 150,
    longestLookupGapMs: 280,
    longestLookupGapAtMs: 100,
  });
});

test('measureAvailability includes the gap up to the end of the span', () => {
  const measured = measureAvailability(history, { ...span, to_ns: 850e6 });
  assert.is(measured.longestGapMs, 450);
  assert.is(measured.longestGapAtMs, 400);
  assert.is(measureAvailability([], span).longestGapMs, 350);
});

test('checkAvailability accepts values within bounds, and reports each value beyond', () => {
  const measured = measureAvailability(history, span);
  assert.equal(checkAvailability(measured, {}).problems, []);
  const kept = { errorsMax: 3, gapMsMax: 250, lookupGapMsMax: 280, acknowledgedMin: 3 };
  assert.equal(checkAvailability(measured, kept).problems, []);
  const missed = { errorsMax: 2, gapMsMax: 249, lookupGapMsMax: 279, acknowledgedMin: 4 };
  const found = checkAvailability(measured, missed);
  assert.is(found.problems.length, 4);
  assert.match(
    found.problems.join('\n'),
    /2 operations failed and 1 have an unknown outcome; allowed: 2[^]*for 250 ms, from 150 ms on[^]*no look-up was answered for 280 ms, from 100 ms on[^]*only 3 orders/,
  );
});

const MIB = 1024 * 1024;
const samples = (change: (i: number) => Partial<ResourceSample>): ResourceSample[] =>
  Array.from({ length: 200 }, (_, i) => {
    return { process: 'catalog-1', pid: 7, atMs: i * 1000, bytes: 100 * MIB, descriptors: 40, ...change(i) };
  });

test('checkResources accepts constant usage, and checks each run of a process separately', () => {
  assert.equal(checkResources(samples(() => ({}))).problems, []);
  assert.equal(
    checkResources(samples((i) => ({ pid: i < 100 ? 1 : 2, descriptors: i < 100 ? 20 : 60 }))).problems,
    [],
  );
  assert.equal(checkResources([]).problems, []);
});

test('checkResources reports peaks and growth of memory and descriptors', () => {
  const problems = [
    ...checkResources(samples((i) => (i === 9 ? { bytes: 800 * MIB, descriptors: 500 } : {}))).problems,
    ...checkResources(samples((i) => ({ bytes: (100 + i) * MIB, descriptors: 40 + i }))).problems,
  ].join('\n');
  assert.match(problems, /catalog-1 \(process 7\) used 800 MiB of memory; allowed: 768 MiB/);
  assert.match(problems, /had 500 open file descriptors; allowed: 400/);
  assert.match(problems, /the memory of catalog-1 \(process 7\) grew by 134 MiB/);
  assert.match(problems, /the open file descriptors of catalog-1 \(process 7\) grew by 134/);
});

test('checkResources ignores growth in short runs', () => {
  const brief = samples((i) => ({ atMs: i * 10, bytes: (100 + i) * MIB }));
  assert.equal(checkResources(brief, RESOURCE_BOUNDS).problems, []);
});

test('resourceTable shows the last run of each process', () => {
  const mib = 1024 * 1024;
  const sample = (pid: number, bytes: number, descriptors: number): ResourceSample => ({
    process: 'catalog-1',
    pid,
    atMs: 0,
    bytes: bytes * mib,
    descriptors,
  });
  const table = resourceTable([sample(1, 500, 90), sample(2, 60, 20), sample(2, 90, 40), sample(2, 70, 21)]);
  assert.is(
    table,
    'catalog-1    60 MiB before, 70 MiB after, 90 MiB peak; descriptors 20 before, 21 after, 40 peak',
  );
});

test.run();

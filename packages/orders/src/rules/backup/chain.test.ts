/** Which files of a restore belong together, in which order, and which points they contain. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError } from '@trireme/domain';
import { orderChain, requireInRange, type ChainFile, type RestorePoint } from './chain.js';
import type { BackupHeader } from './header.js';

const hashAt = (seq: number): string => String(seq).padStart(64, '0');

/** A backup of a cluster whose batch n has log index 10n and fills order n at time 1000n. */
function backup(
  path: string,
  seq: number,
  since: number | null = null,
  more: Partial<BackupHeader> = {},
): ChainFile {
  const point = (n: number): { index: number; lastSeq: number; hash: string } => ({
    index: n * 10,
    lastSeq: n,
    hash: hashAt(n),
  });
  const header = {
    ...point(seq),
    cluster: 'test',
    life: 'a0'.repeat(8),
    orders: seq,
    time: seq * 1000,
    takenAt: seq * 1000 + 500,
    program: '1.0.0',
    since: since === null ? null : point(since),
    ...more,
  };
  return { path, header };
}

const namesOf = (files: readonly ChainFile[]): string => {
  const { full, incrementals } = orderChain(files);
  return [full, ...incrementals].map(({ path }) => path).join(' ');
};

function problemOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.instance(error, FormatError, String(error));
    return (error as FormatError).message;
  }
  return 'no problem';
}

const FULL = backup('full', 10);
const FIRST = backup('first', 20, 10);
const SECOND = backup('second', 30, 20);

test('files are ordered, whatever the order in which they are given', () => {
  assert.is(namesOf([SECOND, FULL, FIRST]), 'full first second');
  assert.is(namesOf([FULL]), 'full');
});

test('a file given twice, and a file that lies before the full backup, are not applied', () => {
  assert.is(
    namesOf([FULL, FIRST, backup('copy', 20, 10), backup('full copy', 10), backup('old', 8, 5)]),
    'full first',
  );
});

test('overlapping files are applied as long as there is no gap', () => {
  assert.is(namesOf([FULL, backup('b', 25, 10), FIRST, SECOND]), 'full first b second');
  assert.is(namesOf([FULL, backup('long', 40, 5)]), 'full long');
});

test('a gap is named', () => {
  const problem = problemOf(() => orderChain([FULL, SECOND]));
  assert.match(
    problem,
    /full ends at batch 10 \(log index 100\), and second starts after batch 20 \(log index 200\)/,
  );
});

test('files that do not belong together are named', () => {
  const other = (more: Partial<BackupHeader>): string =>
    problemOf(() => orderChain([FULL, FIRST, backup('other', 30, 20, more)]));
  assert.match(
    other({ cluster: 'b' }),
    /full and other do not belong together: they are of cluster test and cluster b/,
  );
  assert.match(other({ life: 'b1'.repeat(8) }), /of life a0a0.* and life b1b1/);
  const since = { index: 200, lastSeq: 20, hash: hashAt(99) };
  assert.match(other({ since }), /first and other do not belong together: their books at batch 20/);
  assert.match(
    problemOf(() => orderChain([FULL, backup('two', 40)])),
    /full and two are both full backups/,
  );
  assert.match(
    problemOf(() => orderChain([FIRST])),
    /no file is a full backup/,
  );
});

test('a point outside of the backups is refused with their range', () => {
  const chain = orderChain([FULL, FIRST]);
  const problem = (point: RestorePoint): string => problemOf(() => requireInRange(chain, point));
  for (const point of [
    { kind: 'end' },
    { kind: 'index', index: 100 },
    { kind: 'index', index: 200 },
    { kind: 'order', order: 10 },
    { kind: 'order', order: 20 },
    { kind: 'time', time: 10_000 },
    { kind: 'time', time: 20_500 },
  ] as const)
    assert.is(problem(point), 'no problem');
  assert.match(problem({ kind: 'index', index: 99 }), /log indexes 100 to 200 only/);
  assert.match(problem({ kind: 'index', index: 201 }), /log indexes 100 to 200 only/);
  assert.match(problem({ kind: 'order', order: 9 }), /order numbers 10 to 20 only/);
  assert.match(problem({ kind: 'order', order: 21 }), /order numbers 10 to 20 only/);
  assert.match(
    problem({ kind: 'time', time: 9_999 }),
    /times 1970-01-01T00:00:10.000Z to 1970-01-01T00:00:20.500Z/,
  );
  assert.match(problem({ kind: 'time', time: 20_501 }), /times/);
});

test.run();

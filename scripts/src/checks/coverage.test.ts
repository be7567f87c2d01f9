import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { areaCoverage, hasCode, isCovered, type CoverageArea } from './coverage.js';

test('hasCode is false for a file of types or re-exports', () => {
  assert.is(hasCode('/** Types.\n * more */\nexport {};\n//# sourceMappingURL=a.js.map'), false);
  assert.is(hasCode("export * from './a.js';\nexport { b, c } from './b.js';\n"), false);
});

test('hasCode is true for any other file', () => {
  assert.is(hasCode('/** One. */\nexport const LIMIT = 1;\n'), true);
  assert.is(hasCode("import './a.js';\n"), true);
});

const AREA: CoverageArea = {
  name: 'area',
  files: ['a', 'b'].map((name) => ({ source: `p/src/${name}.ts`, compiled: `p/dist/${name}.js` })),
};

function counts(lines: number, branches: number): { lines: Count; branches: Count } {
  return { lines: { total: 100, covered: lines }, branches: { total: 10, covered: branches } };
}

interface Count {
  readonly total: number;
  readonly covered: number;
}

test('areaCoverage sums the files of the area and no others', () => {
  const summary = {
    total: counts(0, 0),
    '/root/p/src/a.ts': counts(100, 10),
    '/root/p/src/b.ts': counts(90, 8),
    '/root/q/src/a.ts': counts(0, 0),
  };
  const covered = areaCoverage('/root', AREA, summary);
  assert.equal(covered, { lines: 95, branches: 90, missing: [] });
  assert.ok(isCovered(covered));
  assert.not.ok(isCovered({ ...covered, lines: 94.9 }));
  assert.not.ok(isCovered({ ...covered, branches: 89.9 }));
});

test('areaCoverage reports a file that is missing from the report', () => {
  const covered = areaCoverage('/root', AREA, { '/root/p/src/a.ts': counts(100, 10) });
  assert.equal(covered.missing, ['p/src/b.ts']);
  assert.not.ok(isCovered(covered));
});

test.run();

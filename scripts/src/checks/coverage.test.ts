import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasCode } from './coverage.js';

test('a file of types, or one that passes on exports, has no code', () => {
  assert.is(hasCode('/** Types.\n * more */\nexport {};\n//# sourceMappingURL=a.js.map'), false);
  assert.is(hasCode("export * from './a.js';\nexport { b, c } from './b.js';\n"), false);
});

test('anything else has', () => {
  assert.is(hasCode('/** One. */\nexport const LIMIT = 1;\n'), true);
  assert.is(hasCode("import './a.js';\n"), true);
});

test.run();

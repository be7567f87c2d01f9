/** A sample of the attacks of `npm run hostile`. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hostileScenario } from './hostile/hostile-scenario.js';
import { assertScenarioPasses } from './scenario-suite.js';
import type { AttackResult } from './rules/attack-results.js';

const test = suite('hostile input');

test('attacks on every port are refused or disconnected; no order fails, and the books contain only orders of clients', async () => {
  const attacks: AttackResult[] = [];
  await assertScenarioPasses(
    hostileScenario({ every: 11, slow: false, onResult: (result) => attacks.push(result) }),
  );
  assert.equal([...new Set(attacks.map(({ port }) => port))].sort(), [
    'catalog',
    'control',
    'peer',
    'public',
    'replica',
  ]);
});

test.run();

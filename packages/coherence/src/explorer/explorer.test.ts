import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PLANTED_BUGS } from './planted/bugs.js';
import { checkFits, plant } from './planted/plant.js';
import { searchApart } from './run.js';
import { SCENARIOS } from './scenarios.js';
import { search } from './search.js';

function scenario(name: string): (typeof SCENARIOS)[number] {
  const found = SCENARIOS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no scenario "${name}"`);
  return found;
}

test('a small scenario is searched to its end, with all rules', () => {
  const result = search(scenario('catalog added'), { statesMax: 1_000_000, isFairnessChecked: true });
  assert.is(result.violation, null);
  assert.is(result.isComplete, true);
  assert.ok(result.states > 1_000);
});

test('a search that is cut short says so', () => {
  const result = search(scenario('catalog added'), { statesMax: 100, isFairnessChecked: true });
  assert.is(result.isComplete, false);
  assert.is(result.violation, null);
});

test('every planted bug fits the compiled rules and names a scenario', () => {
  assert.ok(PLANTED_BUGS.length >= 10);
  for (const bug of PLANTED_BUGS) {
    checkFits(bug);
    scenario(bug.scenario);
  }
});

test('a planted bug is found, with its steps in order', async () => {
  const bug = PLANTED_BUGS.find(
    ({ name }) => name === 'new leader does not wait for what older ones granted',
  );
  assert.ok(bug);
  const copy = plant(bug);
  try {
    const { result } = await searchApart(copy.main, bug.scenario, false);
    assert.equal(result.violation?.trace, [
      'leader 2 is elected with the log [first of leader 1], 1 of it committed',
      'leader 2 learns that 2 entries are committed',
    ]);
    assert.match(result.violation?.what ?? '', /front-end 1 would answer from its cache x = 0/);
  } finally {
    copy.dispose();
  }
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PLANTED_BUGS } from './planted/bugs.js';
import { checkMatchesOnce, createMutant } from './planted/plant.js';
import { searchInChildProcess } from './run.js';
import { SCENARIOS } from './scenarios.js';
import { search } from './search.js';

function scenario(name: string): (typeof SCENARIOS)[number] {
  const found = SCENARIOS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no scenario "${name}"`);
  return found;
}

test('search: completes a small scenario with all rules', () => {
  const result = search(scenario('catalog added'), { statesMax: 1_000_000, isFairnessChecked: true });
  assert.is(result.violation, null);
  assert.is(result.isComplete, true);
  assert.ok(result.states > 1_000);
});

test('search: is reported as incomplete at the limit of states', () => {
  const result = search(scenario('catalog added'), { statesMax: 100, isFairnessChecked: true });
  assert.is(result.isComplete, false);
  assert.is(result.violation, null);
});

test('planted bugs: each matches the compiled rules once and names a scenario', () => {
  assert.ok(PLANTED_BUGS.length >= 10);
  for (const bug of PLANTED_BUGS) {
    checkMatchesOnce(bug);
    scenario(bug.scenario);
  }
});

test('planted bugs: one is found with its shortest trace', async () => {
  const bug = PLANTED_BUGS.find(
    ({ name }) => name === 'new leader does not wait for authority granted by older leaders',
  );
  assert.ok(bug);
  const copy = createMutant(bug);
  try {
    const { result } = await searchInChildProcess(copy.main, bug.scenario, false);
    assert.equal(result.violation?.trace, [
      'leader 2 is elected with log [first of leader 1], committed up to 1',
      'leader 2 learns that 2 entries are committed',
    ]);
    assert.match(result.violation?.what ?? '', /front-end 1 would answer from its cache: x = 0/);
  } finally {
    copy.dispose();
  }
});

test.run();

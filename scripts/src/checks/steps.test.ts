import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { selectSteps, stepsHelp, type StepName } from './steps.js';

const namesOf = (steps: ReadonlySet<StepName> | null): readonly string[] => [...(steps ?? [])];

test('selectSteps without names selects the default steps', () => {
  assert.equal(namesOf(selectSteps([])), ['lint', 'format', 'layers', 'deadcode', 'tests']);
});

test('selectSteps selects the named steps, in the order in which they run', () => {
  assert.equal(namesOf(selectSteps(['own-node', 'layers'])), ['layers', 'own-node']);
});

test('selectSteps rejects an unknown name', () => {
  assert.is(selectSteps(['layers', 'layer']), null);
});

test('the help describes every step', () => {
  assert.match(stepsHelp(), /\n {2}lint {7}eslint\n[^]*\n {2}infra {6}\S.* \(only if named\)\n/);
});

test.run();

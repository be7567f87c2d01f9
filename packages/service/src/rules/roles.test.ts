import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { roleOfName } from './roles.js';

test('roleOfName returns the role at the start of the name', () => {
  assert.is(roleOfName('catalog'), 'catalog');
  assert.is(roleOfName('replica-2'), 'replica');
  assert.is(roleOfName('frontend-7f9c.eu'), 'frontend');
  assert.is(roleOfName('operator'), 'operator');
});

test('roleOfName returns null for similar names', () => {
  for (const name of ['', 'replicas-1', 'replica2', 'Replica-1', 'x-replica-1', '-replica', 'operator_1'])
    assert.is(roleOfName(name), null, name);
});

test.run();

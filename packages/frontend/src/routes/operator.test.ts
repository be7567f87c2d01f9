import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { TriremeError, type ErrorStatus } from '@trireme/domain';
import { checkOperator, credentialsFor } from './operator.js';

/** The status of the error that the call throws, null if it throws none. */
function refusalOf(call: () => unknown): ErrorStatus | null {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof TriremeError) return error.status;
    throw error;
  }
}

test('checkOperator accepts only the configured token', () => {
  assert.is(
    refusalOf(() => checkOperator('Bearer right', 'right')),
    null,
  );
  assert.is(
    refusalOf(() => checkOperator('bearer  right', 'right')),
    null,
  );
  for (const header of [undefined, '', 'Bearer', 'Bearer wrong', 'Basic right', 'right', 'Bearer right x']) {
    assert.is(
      refusalOf(() => checkOperator(header, 'right')),
      'UNAUTHORIZED',
      header,
    );
  }
  assert.is(
    refusalOf(() => checkOperator('Bearer null', null)),
    'UNAUTHORIZED',
  );
});

test('during an exchange both tokens are accepted, and an operator learns their fingerprints', () => {
  const operatorToken = { current: ['old', 'new'] as const };
  const identity = { name: 'frontend-1', cluster: 'test', secret: null };
  for (const token of operatorToken.current) {
    checkOperator(`Bearer ${token}`, operatorToken);
    const expected = { presents: 'cba06b57', accepts: ['cba06b57', '11507a0e'] };
    assert.equal(credentialsFor(`Bearer ${token}`, { identity, operatorToken }), {
      credentials: { secret: null, operatorToken: expected },
    });
  }
  assert.equal(credentialsFor('Bearer other', { identity, operatorToken }), {});
});

test.run();

import type { SubmitResult } from '@trireme/domain';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DeadlineTable } from '../rules/deadlines.js';
import { submitUntilDecided } from './submit-command.js';

// Results of orders of other tests go through the whole front-end: see `orders.test.ts`.
for (const [answer, expected] of [
  [[1, 'filled', 7, 5500], 'unknown'],
  [[1, 'done'], 'unknown'],
  [[1, 'lost'], 'unknown'],
  [[1, 'invalid', 'no'], 'noEffect'],
  [[1, 'refused', 'busy'], 'noEffect'],
] as const) {
  test(`a retry whose answer ${answer[1]} arrives as the deadline expires has the outcome ${expected}`, async () => {
    const deadlines = new DeadlineTable(1000, 1);
    const deadline = deadlines.open(0);
    if (deadline === null) throw new Error('no deadline');
    let attempts = 0;
    const call = async (): Promise<SubmitResult | 'unsent'> => {
      attempts += 1;
      if (attempts === 1) return 'unsent';
      deadlines.expireDue(1000);
      return answer;
    };
    assert.is(await submitUntilDecided({ call }, [0, 'k', 'AAPL', 1], deadline), expected);
    assert.is(attempts, 2);
  });
}

test.run();

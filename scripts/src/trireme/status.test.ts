import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatStatus, statusExit, type GroupStatus } from './status.js';

const WELL: GroupStatus = { leader: '1', catalogFollows: true, booksAgree: true, replicas: [] };

const CASES: readonly (readonly [Partial<GroupStatus>, number, RegExp])[] = [
  [{}, 0, /book +url$/],
  [{ leader: null, catalogFollows: null }, 69, /\nNO REPLICA LEADS: /],
  [{ catalogFollows: false }, 69, /\nNO CATALOG FOLLOWS: /],
  [{ booksAgree: false }, 1, /\nBOOKS DIFFER: /],
  [{ booksAgree: false, leader: null, catalogFollows: null }, 1, /\nNO REPLICA LEADS: .*\nBOOKS DIFFER: /],
];

for (const [change, code, text] of CASES) {
  test(`status of ${JSON.stringify(change)} ends with ${code} and says so`, () => {
    const status = { ...WELL, ...change };
    assert.is(statusExit(status), code);
    assert.match(formatStatus(status), text);
  });
}

test.run();

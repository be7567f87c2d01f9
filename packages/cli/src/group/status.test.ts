import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatStatus, statusExitCode, type GroupStatus } from './status.js';

const ONE = { id: 'catalog-1', url: 'http://127.0.0.1:8161', linked: true, hasAuthority: true };
const TWO = { ...ONE, id: 'catalog-2' };
const UNLINKED = { id: 'catalog-3', url: null, linked: false, hasAuthority: false };
const HEALTHY: GroupStatus = { leader: '1', catalogs: [], booksAgree: true, replicas: [] };

const CASES: readonly (readonly [Partial<GroupStatus>, number, RegExp])[] = [
  [{}, 0, /book +url\n\nno catalogs: the leader answers look-ups$/],
  [
    { catalogs: [ONE, TWO] },
    0,
    /\n\ncatalog +linked +authority +url\ncatalog-1 +yes +yes +http:\S+\ncatalog-2 +yes +yes +\S+$/,
  ],
  [{ leader: null, catalogs: null }, 69, /\nNO REPLICA LEADS: /],
  [
    { catalogs: [ONE, UNLINKED] },
    0,
    /\ncatalog-3 +no +no +-\n1 OF 2 CATALOGS HAVE AUTHORITY: the others answer/,
  ],
  [{ catalogs: [UNLINKED] }, 0, /\n0 OF 1 CATALOGS HAVE AUTHORITY: the leader answers look-ups/],
  [{ booksAgree: false }, 1, /\nBOOKS DIFFER: /],
  [{ booksAgree: false, leader: null, catalogs: null }, 1, /\nNO REPLICA LEADS: .*\nBOOKS DIFFER: /],
];

for (const [change, code, text] of CASES) {
  test(`status with ${JSON.stringify(change)} exits with ${code} and a matching text`, () => {
    const status = { ...HEALTHY, ...change };
    assert.is(statusExitCode(status), code);
    assert.match(formatStatus(status), text);
  });
}

test.run();

/** What a catalog does before it knows what an earlier process left behind, one scenario a test. */
import { EMPTY_HASH } from '@trireme/state-machine';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Driver, HOLD_MS } from './testing/driver.js';
import { buy, entryFrame, LIFE, list, stock } from './testing/frames.js';

const A = stock('A', 100);

test('a catalog that starts answers no trade and no lookup before the leases of an earlier process are over', () => {
  const driver = new Driver([A]);
  driver.log.entry(3, [buy('A')]);
  driver.frontend(1);
  driver.leader(100);
  assert.match(driver.catalog.unready() ?? '', /no leader/);
  driver.ask(100, { t: 'begin' });
  assert.equal(
    driver.sent(100),
    [{ t: 'standing', lastIndex: 0, hash: EMPTY_HASH }],
    'this much can be told at once',
  );
  driver.ask(100, { t: 'attach', upTo: 3 }, ...driver.log.snapshot({ parts: 2 }));
  driver.ask(100, driver.log.entry(4, [buy('A')]));
  driver.at(HOLD_MS - 1);
  assert.is(driver.wakeAt, HOLD_MS);
  assert.equal(driver.sent(100), [], 'what it had applied may not have been revoked');
  assert.is(driver.lookup(1, 'A'), 'unready');
  assert.match(driver.catalog.unready() ?? '', /stock table/);
  driver.at(HOLD_MS);
  assert.equal(driver.lookup(1, 'A'), [5500, 98, 4, true]);
  assert.equal(driver.sent(100), [
    { t: 'revoked', index: 3 },
    { t: 'revoked', index: 4 },
  ]);
  assert.is(driver.catalog.unready(), null);
  assert.is(driver.wakeAt, null);
});

test('a catalog serves nothing until it has applied all that clients were told of', () => {
  const driver = new Driver([A]);
  driver.log.entry(7, [buy('A', 40), list('N', 700)]);
  driver.frontend(1);
  driver.leader(100);
  driver.at(HOLD_MS);
  driver.ask(100, { t: 'begin' }, { t: 'attach', upTo: 9 });
  assert.is(driver.lookup(1, 'A'), 'unready');
  driver.ask(100, ...driver.log.snapshot());
  assert.is(driver.lookup(1, 'A'), 'unready');
  assert.match(driver.catalog.unready() ?? '', /7 of 9/);
  driver.say(1, { t: 'list', id: 3, after: '', limit: 10 });
  assert.equal(driver.sent(1), [{ t: 'pageUnready', id: 3 }]);
  driver.ask(100, driver.log.entry(9, [buy('N', 10), buy('A', 10)]));
  assert.equal(driver.sent(100), [
    { t: 'standing', lastIndex: 0, hash: EMPTY_HASH },
    { t: 'revoked', index: 7 },
    { t: 'revoked', index: 9 },
  ]);
  assert.equal(
    driver.events().map((event) => event.kind),
    ['attached', 'installed', 'ready'],
  );
  assert.equal(driver.lookup(1, 'A'), [5500, 50, 9, true]);
  assert.equal(driver.lookup(1, 'N'), [700, 0, 7, true]);
  assert.is(driver.lookup(1, 'Z'), 'missing');
});

test('a catalog without a stock table is not ready, though no client was told of anything, and refuses entries', () => {
  const driver = new Driver([A]);
  driver.frontend(1);
  driver.leader(100);
  driver.at(HOLD_MS);
  driver.ask(100, { t: 'begin' }, { t: 'attach', upTo: 0 }, entryFrame(1, 0, [buy('A')]));
  assert.equal(driver.sent(100), [
    { t: 'standing', lastIndex: 0, hash: EMPTY_HASH },
    { t: 'refused', lastIndex: 0 },
  ]);
  assert.match(driver.catalog.unready() ?? '', /stock table/);
  assert.equal(driver.sent(1), [], 'no life is known');
  assert.is(driver.lookup(1, 'A'), 'unready');
  const { life, hash, lastIndex } = driver.catalog.status();
  assert.equal([life, hash, lastIndex], [null, EMPTY_HASH, 0]);
});

test('a front-end is told the life before any stock: when it opens, or as soon as it is known', () => {
  const driver = new Driver([A]);
  driver.frontend(1);
  driver.leader(100);
  driver.ask(100, { t: 'begin' }, { t: 'attach', upTo: 0 }, ...driver.log.snapshot());
  driver.at(HOLD_MS);
  driver.frontend(2);
  for (const link of [1, 2]) assert.equal(driver.sent(link), [{ t: 'life', life: LIFE }]);
  driver.ask(100, ...driver.log.snapshot());
  assert.equal(driver.sent(1), [], 'it is told once');
});

test.run();

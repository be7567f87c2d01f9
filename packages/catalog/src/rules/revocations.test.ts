/** Trades and the caches that hold their stocks, one scenario a test. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Driver } from './testing/driver.js';
import { buy, list, stock } from './testing/frames.js';

const A = stock('A', 100);
const B = stock('B', 100);

test('a trade waits for a front-end that may hold the stock until it has dropped it', () => {
  const driver = Driver.ready([A, B]);
  driver.frontend(1);
  driver.frontend(2);
  for (const link of [1, 2]) {
    driver.sent(link);
    driver.say(link, { t: 'renew', id: 9 });
  }
  assert.equal(driver.sent(1), [{ t: 'lease', id: 9, ms: 500 }]);
  driver.lookup(1, 'A');
  driver.lookup(2, 'B');
  driver.ask(100, driver.log.entry(4, [buy('A')]));
  assert.equal(driver.sent(1), [{ t: 'revoke', seq: 1, version: 4, names: ['A'] }]);
  assert.equal(driver.sent(2), [{ t: 'lease', id: 9, ms: 500 }].slice(1), 'nobody is asked in vain');
  assert.equal(driver.sent(100), []);
  assert.equal(driver.lookup(2, 'A'), [5500, 100, 0, false]);
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.is(driver.sent(100).length, 1);
  assert.equal(driver.lookup(2, 'A'), [5500, 99, 4, true]);
});

test('an answer to an earlier revocation is none to the one under way', () => {
  const driver = Driver.ready([A, B]);
  driver.frontend(1);
  driver.say(1, { t: 'renew', id: 1 });
  driver.lookup(1, 'A');
  driver.lookup(1, 'B');
  driver.ask(100, driver.log.entry(1, [buy('A')]));
  driver.at(driver.now + 550);
  assert.is(driver.sent(100).length, 1, 'the lease is over');
  driver.say(1, { t: 'renew', id: 2 });
  driver.ask(100, driver.log.entry(2, [buy('B')]));
  driver.say(1, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(100), [], 'B may still be in its cache');
  driver.say(1, { t: 'dropped', seq: 2 });
  assert.is(driver.sent(100).length, 1);
});

test('a lease is honoured for longer than granted, as the front-end may have a slow clock', () => {
  const driver = Driver.ready([A]);
  driver.frontend(1);
  driver.say(1, { t: 'renew', id: 1 });
  driver.lookup(1, 'A');
  const granted = driver.now;
  driver.ask(100, driver.log.entry(1, [buy('A')]));
  driver.at(granted + 549);
  assert.equal(driver.sent(100), []);
  assert.is(driver.wakeAt, granted + 550);
  driver.at(granted + 550);
  assert.is(driver.sent(100).length, 1);
  assert.equal(driver.events().at(-1), { kind: 'leaseExpired', peer: 'frontend-1' });
});

test('a lease granted behind a revocation does not hold its trade up any longer', () => {
  const driver = Driver.ready([A]);
  driver.frontend(1);
  driver.say(1, { t: 'renew', id: 1 });
  driver.lookup(1, 'A');
  const granted = driver.now;
  driver.ask(100, driver.log.entry(1, [buy('A')]));
  driver.at(granted + 400);
  driver.say(1, { t: 'renew', id: 2 });
  assert.equal(
    driver.sent(1).map((frame) => frame.t),
    ['revoke', 'lease'],
    'in this order on the link',
  );
  driver.at(granted + 550);
  assert.is(driver.sent(100).length, 1);
});

test('a link that breaks does not end its lease', () => {
  const driver = Driver.ready([A]);
  driver.frontend(1);
  driver.say(1, { t: 'renew', id: 1 });
  driver.lookup(1, 'A');
  const granted = driver.now;
  driver.frontendGone(1);
  driver.frontend(2);
  driver.ask(100, driver.log.entry(1, [buy('A')]));
  assert.equal(driver.sent(1), [], 'nothing reaches it');
  assert.equal(driver.sent(100), []);
  driver.at(granted + 550);
  assert.is(driver.sent(100).length, 1);
  driver.frontendGone(2);
  assert.is(driver.catalog.status().sessions, 0, 'and then it is forgotten');
});

test('a front-end without a lease is told to drop and not waited for', () => {
  const driver = Driver.ready([A]);
  driver.frontend(1);
  driver.lookup(1, 'A');
  driver.ask(100, driver.log.entry(1, [buy('A')]));
  assert.is(driver.sent(1)[0]?.t, 'revoke', 'or a later lease would make the old value good again');
  assert.is(driver.sent(100).length, 1);
});

test('one number tells old fills of all stocks in a round from new ones', () => {
  const driver = Driver.ready([A, B, stock('C', 1)]);
  driver.frontend(1);
  driver.lookup(1, 'A');
  driver.lookup(1, 'B');
  driver.holder(2, 'C');
  driver.ask(100, driver.log.entry(1, [list('C', 1)]));
  driver.ask(100, driver.log.entry(2, [buy('A')]));
  driver.ask(100, driver.log.entry(3, [buy('B')]));
  assert.equal(driver.sent(1), []);
  driver.say(2, { t: 'dropped', seq: 1 });
  assert.equal(driver.sent(1), [{ t: 'revoke', seq: 1, version: 2, names: ['A', 'B'] }]);
  assert.equal(driver.lookup(1, 'A'), [5500, 99, 2, true], 'not below the number: may be kept');
});

test.run();

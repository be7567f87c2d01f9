/** When decisions come to the disk, what is in a write, and what a life knows whose disk lacks the last of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LeaderToCatalog } from '@trireme/domain';
import { SAVE_AFTER_MS, type CatalogState } from './catalog.js';
import type { CatalogWrite } from './round.js';
import { Driver, HOLD_MS } from './testing/driver.js';
import { buy, decideFrame, list, stock } from './testing/frames.js';

const A = stock('A', 100);

const trade = (index: number, settled = 0): LeaderToCatalog =>
  decideFrame(index, index - 1, [buy('A')], { settled });

test('what was decided is written together, so long after the first of it and no longer', () => {
  const driver = Driver.ready([A]);
  const first = driver.now;
  driver.ask(100, trade(1));
  assert.is(driver.wakeAt, first + SAVE_AFTER_MS);
  driver.at(first + 20);
  driver.ask(100, trade(2));
  assert.is(driver.sent(100).length, 2);
  assert.is(driver.wakeAt, first + SAVE_AFTER_MS, 'later decisions do not put it off');
  driver.at(first + SAVE_AFTER_MS - 1);
  assert.is(driver.write, null);
  driver.at(first + SAVE_AFTER_MS);
  assert.equal(driver.write, {
    lastIndex: 2,
    settled: 0,
    stocks: [{ name: 'A', price: 5500, quantity: 98, version: 2 }],
    outcomes: [
      [1, [5500]],
      [2, [5500]],
    ],
    forgotten: [],
  });
  assert.is(driver.wakeAt, null, 'the disk will tell');
  assert.is(driver.catalog.status().savedIndex, 0);
  driver.written();
  assert.is(driver.catalog.status().savedIndex, 2);
  assert.is(driver.wakeAt, null, 'nothing is left');
  assert.is(driver.catalog.rest(), null);
});

test('a catalog to which nothing new is told writes nothing', () => {
  const driver = Driver.ready([A]);
  driver.ask(100, { t: 'begin' });
  driver.ask(100, decideFrame(9, 7, [buy('A')]));
  assert.is(driver.wakeAt, null);
  assert.is(driver.save(), null);
});

test('while a lease is waited for a save is still due in time, and the other way round', () => {
  const driver = Driver.ready([A, stock('B', 9)]);
  driver.holder(1, 'A');
  const granted = driver.now;
  driver.ask(100, decideFrame(1, 0, [buy('B')]));
  driver.ask(100, decideFrame(2, 1, [buy('A')]));
  assert.is(driver.wakeAt, granted + SAVE_AFTER_MS);
  assert.is(driver.save()?.lastIndex, 1);
  assert.is(driver.wakeAt, granted + 550);
  driver.at(granted + 540);
  driver.say(1, { t: 'dropped', seq: 1 });
  driver.holder(2, 'A');
  driver.ask(100, decideFrame(3, 2, [buy('A')]));
  assert.is(driver.wakeAt, granted + 540 + SAVE_AFTER_MS, 'the sooner of the two');
});

test('however long the disk takes, decisions go on, one write is under way, and the next takes what came meanwhile', () => {
  const driver = Driver.ready([A]);
  driver.ask(100, trade(1));
  driver.at(driver.now + SAVE_AFTER_MS);
  assert.is(driver.write?.lastIndex, 1);
  for (let index = 2; index <= 90; index += 1) {
    driver.at(driver.now + SAVE_AFTER_MS);
    // What a leader was told, it settles.
    driver.ask(100, trade(index, index - 1));
  }
  assert.is(driver.sent(100).length, 90);
  assert.is(driver.write?.lastIndex, 1, 'still the first');
  assert.is(driver.wakeAt, null);
  driver.written();
  assert.is(driver.wakeAt, driver.now + SAVE_AFTER_MS);
  assert.equal(driver.save(), {
    lastIndex: 90,
    settled: 89,
    stocks: [{ name: 'A', price: 5500, quantity: 10, version: 90 }],
    outcomes: [[90, [5500]]],
    forgotten: [1],
  });
  assert.is(driver.save(), null);
});

test('a round whose stocks are not revoked yet is in no write, nor in the rest', () => {
  const driver = Driver.ready([A, stock('B', 9)]);
  driver.holder(1, 'A');
  driver.ask(100, decideFrame(1, 0, [buy('B')]));
  driver.ask(100, decideFrame(2, 1, [buy('A')]));
  const rest = driver.catalog.rest();
  assert.equal([rest?.lastIndex, rest?.outcomes.length, rest?.stocks.length], [1, 1, 1]);
  assert.is(driver.catalog.rest(), null, 'handed out once');
});

test('the rest is what came behind the write under way', () => {
  const driver = Driver.ready([A]);
  driver.ask(100, trade(1));
  driver.at(driver.now + SAVE_AFTER_MS);
  driver.ask(100, trade(2));
  assert.equal(driver.catalog.rest()?.outcomes, [[2, [5500]]]);
});

/** A life that tells of four trades, of which `saved` came to the disk. */
function cutShort(saved: number): { readonly state: CatalogState; readonly told: readonly unknown[] } {
  const driver = Driver.ready([A]);
  const commands = [buy('A', 60), buy('A', 60), list('A', 7), buy('A', 40)];
  let write: CatalogWrite | null = null;
  for (const [position, command] of commands.entries()) {
    driver.ask(100, decideFrame(position + 1, position, [command]));
    if (position + 1 === saved) write = driver.save();
  }
  driver.frontend(1);
  assert.equal(driver.lookup(1, 'A'), [7, 0, 4, true]);
  const { lastIndex = 0, settled = 0, stocks = [A], outcomes = [] } = write ?? {};
  const state = { lastIndex, settled, stocks, outcomes };
  const told = driver.sent(100).flatMap((frame) => (frame.t === 'decided' ? frame.items : []));
  assert.is(told.length, 4);
  return { state, told };
}

test('a life whose disk lacks what was told serves nothing until all of it is decided again, and then the same', () => {
  for (const saved of [0, 1, 3, 4]) {
    const { state, told } = cutShort(saved);
    const driver = new Driver([], { state });
    driver.frontend(1);
    driver.leader(200);
    driver.at(HOLD_MS);
    driver.ask(200, { t: 'begin' });
    assert.equal(driver.sent(200), [{ t: 'standing', lastIndex: saved }]);
    assert.is(driver.lookup(1, 'A'), 'unready', 'no leader has said how far it went');
    driver.ask(200, { t: 'attach', upTo: 4 });
    const commands = [buy('A', 60), buy('A', 60), list('A', 7), buy('A', 40)];
    commands.forEach((command, position) => {
      assert.is(driver.lookup(1, 'A') === 'unready', Math.max(saved, position) < 4);
      driver.ask(200, decideFrame(position + 1, position, [command]));
    });
    const again = driver.sent(200).flatMap((frame) => (frame.t === 'decided' ? frame.items : []));
    assert.equal(again, told);
    assert.equal(driver.lookup(1, 'A'), [7, 0, 4, true]);
  }
});

test('what the book had settled before a crash is replayed to the next life, and the rest is decided', () => {
  const { state, told } = cutShort(1);
  const driver = new Driver([], { state });
  driver.frontend(1);
  driver.leader(200);
  driver.ask(200, { t: 'begin' });
  driver.ask(200, { t: 'attach', upTo: 4 });
  driver.at(HOLD_MS);
  driver.ask(200, { t: 'replay', prev: 1, index: 3, effects: [[3, 2, 'A', 7]] });
  assert.is(driver.lookup(1, 'A'), 'unready');
  driver.ask(200, decideFrame(4, 3, [buy('A', 40)], { settled: 3 }));
  assert.equal(driver.sent(200).slice(1), [
    { t: 'replayed', lastIndex: 3 },
    { t: 'decided', items: told.slice(3) },
  ]);
  assert.equal(driver.lookup(1, 'A'), [7, 0, 4, true]);
  assert.equal(driver.save(), {
    lastIndex: 4,
    settled: 3,
    stocks: [{ name: 'A', price: 7, quantity: 0, version: 4 }],
    outcomes: [[4, [7]]],
    forgotten: [1],
  });
});

test.run();

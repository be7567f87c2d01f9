/** Each check rejects a violation that is made by hand. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command, Outcome } from '@trireme/domain';
import type { DecidedBatch } from '@trireme/orders/simulation';
import { Ledger } from './ledger.js';
import { Sightings } from './sightings.js';

const SEED = [{ name: 'A', price: 100, quantity: 10 }];

class Fixture {
  readonly found: string[] = [];
  readonly ledger = new Ledger((check) => this.found.push(check), SEED);
  readonly sightings = new Sightings(
    (check) => this.found.push(check),
    this.ledger,
    () => 0,
  );
  orders = 0;

  batch(index: number, commands: readonly Command[], over: Partial<DecidedBatch> = {}): void {
    const outcomes = commands.map((): Outcome => ({ kind: 'filled', price: 100 }));
    this.ledger.decided('1', {
      ...{ seq: index, index, age: 0, time: 0, skip: [], firstNumber: this.orders + 1, outcomes },
      ...{ bytes: new Uint8Array(), commands, hash: `h${index}`, before: new Map() },
      ...over,
    });
    this.orders += commands.length;
  }

  /** What was found since the last call. */
  take(): readonly string[] {
    return this.found.splice(0);
  }
}

function buy(key: string, quantity = 1): Command {
  return { kind: 'buy', key, name: 'A', quantity };
}

test('the ledger rejects a key twice, numbers with a gap, less than nothing, and another state', () => {
  const f = new Fixture();
  f.batch(2, [buy('k1'), buy('k2')]);
  assert.equal(f.take(), []);
  f.batch(3, [buy('k1')]);
  assert.equal(f.take(), ['one key, one command']);
  f.batch(4, [buy('k3')], { firstNumber: 9 });
  assert.equal(f.take(), ['dense numbers']);
  f.batch(5, [buy('k4', 50)]);
  assert.equal(f.take(), ['decided as the rules say', 'never below zero']);
  f.batch(5, [buy('k4', 50)], { hash: 'other' });
  assert.equal(f.take(), ['equal state']);
});

test('a command that was refused must have no effect, and a key with another command none either', () => {
  const f = new Fixture();
  const request = f.sightings.request('c1');
  f.sightings.withoutEffect(request, buy('k1'));
  assert.equal(f.take(), []);
  f.batch(2, [buy('k1')]);
  assert.equal(f.take(), ['refused without effect']);
  f.sightings.withoutEffect(request, buy('k1'));
  assert.equal(f.take(), ['refused without effect']);
  f.sightings.reused(request, buy('k1', 2), [1, 'keyReused']);
  assert.equal(f.take(), []);
  f.sightings.reused(request, buy('k1', 2), [1, 'filled', 1, 100]);
  assert.equal(f.take(), ['one key, one command']);
});

test('sightings reject what is older than what was told, and what the log has otherwise', () => {
  const f = new Fixture();
  const early = f.sightings.request('c1');
  f.batch(2, [buy('k1')]);
  f.sightings.decided(early, buy('k1'), [1, 'filled', 1, 100], false);
  f.sightings.stock(early, 'A', { name: 'A', quantity: 10, version: 0 });
  assert.equal(f.take(), [], 'asked for before anybody was told');
  const late = f.sightings.request('c1');
  f.sightings.stock(late, 'A', { name: 'A', quantity: 10, version: 0 });
  assert.equal(f.take(), ['nothing old is shown']);
  f.sightings.stock(late, 'A', { name: 'A', quantity: 7, version: 2 });
  assert.equal(f.take(), ['shown as decided']);
  f.sightings.order(late, 1, null);
  assert.equal(f.take(), ['no 404 for a known order']);
  f.sightings.orders(late, 0, [], null);
  assert.equal(f.take(), ['complete lists']);
  f.sightings.decided(late, buy('k9'), [1, 'filled', 2, 100], false);
  assert.equal(f.take(), ['acknowledged is decided']);
  f.sightings.decided(late, buy('k1'), [1, 'filled', 2, 100], true);
  assert.equal(f.take(), ['acknowledged is decided']);
  f.sightings.decided(late, buy('k1'), [1, 'filled', 1, 100], false);
  assert.equal(f.take(), ['numbers follow real time']);
});

test.run();

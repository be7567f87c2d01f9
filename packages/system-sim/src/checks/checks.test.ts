/** Each check rejects a hand-made violation. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Command, Outcome } from '@trireme/domain';
import type { DecidedBatch } from '@trireme/orders/simulation';
import { DecisionRecord } from './ledger.js';
import { ClientObservations } from './client-observations.js';

const SEED = [{ name: 'A', price: 100, quantity: 10 }];

class Fixture {
  readonly found: string[] = [];
  readonly ledger = new DecisionRecord((check) => this.found.push(check), SEED);
  readonly sightings = new ClientObservations(
    (check) => this.found.push(check),
    this.ledger,
    () => 0,
  );
  orders = 0;

  batch(index: number, commands: readonly Command[], over: Partial<DecidedBatch> = {}): void {
    const outcomes = commands.map((): Outcome => ({ kind: 'filled', price: 100 }));
    this.ledger.onBatchDecided('1', {
      seq: index,
      index,
      age: 0,
      time: 0,
      skip: [],
      firstNumber: this.orders + 1,
      outcomes,
      bytes: new Uint8Array(),
      commands,
      hash: `h${index}`,
      before: new Map(),
      ...over,
    });
    this.orders += commands.length;
  }

  /** Names of the checks that failed since the last call. */
  take(): readonly string[] {
    return this.found.splice(0);
  }
}

function buy(key: string, quantity = 1): Command {
  return { kind: 'buy', key, name: 'A', quantity };
}

test('ledger: rejects a repeated key, a gap in order numbers, a negative quantity and a different state', () => {
  const f = new Fixture();
  f.batch(2, [buy('k1'), buy('k2')]);
  assert.equal(f.take(), []);
  f.batch(3, [buy('k1')]);
  assert.equal(f.take(), ['one command per key']);
  f.batch(4, [buy('k3')], { firstNumber: 9 });
  assert.equal(f.take(), ['dense order numbers']);
  f.batch(5, [buy('k4', 50)]);
  assert.equal(f.take(), ['outcomes follow the rules', 'quantities are never negative']);
  f.batch(5, [buy('k4', 50)], { hash: 'other' });
  assert.equal(f.take(), ['equal state']);
});

test('sightings: a refused command, and a reused key with another command, must have no effect', () => {
  const f = new Fixture();
  const request = f.sightings.request('c1');
  f.sightings.onRefused(request, buy('k1'));
  assert.equal(f.take(), []);
  f.batch(2, [buy('k1')]);
  assert.equal(f.take(), ['refused commands have no effect']);
  f.sightings.onRefused(request, buy('k1'));
  assert.equal(f.take(), ['refused commands have no effect']);
  f.sightings.onKeyReused(request, buy('k1', 2), [1, 'keyReused']);
  assert.equal(f.take(), []);
  f.sightings.onKeyReused(request, buy('k1', 2), [1, 'filled', 1, 100]);
  assert.equal(f.take(), ['one command per key']);
});

test('sightings: reject stale answers, and answers that do not match the log', () => {
  const f = new Fixture();
  const early = f.sightings.request('c1');
  f.batch(2, [buy('k1')]);
  f.sightings.onResult(early, buy('k1'), [1, 'filled', 1, 100], false);
  f.sightings.onStock(early, 'A', { name: 'A', quantity: 10, version: 0 });
  assert.equal(f.take(), [], 'the request was sent before any client saw the change');
  const late = f.sightings.request('c1');
  f.sightings.onStock(late, 'A', { name: 'A', quantity: 10, version: 0 });
  assert.equal(f.take(), ['no stale reads']);
  f.sightings.onStock(late, 'A', { name: 'A', quantity: 7, version: 2 });
  assert.equal(f.take(), ['reads match the log']);
  f.sightings.onOrder(late, 1, null);
  assert.equal(f.take(), ['no 404 for a known order']);
  f.sightings.onOrderList(late, 0, [], null);
  assert.equal(f.take(), ['lists are complete']);
  f.sightings.onResult(late, buy('k9'), [1, 'filled', 2, 100], false);
  assert.equal(f.take(), ['acknowledged commands are decided']);
  f.sightings.onResult(late, buy('k1'), [1, 'filled', 2, 100], true);
  assert.equal(f.take(), ['acknowledged commands are decided']);
  f.sightings.onResult(late, buy('k1'), [1, 'filled', 1, 100], false);
  assert.equal(f.take(), ['order numbers follow real time']);
});

test.run();

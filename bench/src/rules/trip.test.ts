import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Trip, type Step } from './trip.js';

/** Gives the numbers one after the other, and then the last one for ever. */
function scripted(...numbers: readonly number[]): () => number {
  let i = 0;
  return () => numbers[Math.min(i++, numbers.length - 1)] ?? 0;
}

function makeTrip(orderProbability: number, ...numbers: readonly number[]): Trip {
  return new Trip({ lookups: 2, orderProbability, chooseStock: () => 'AAPL', random: scripted(...numbers) });
}

function kinds(next: () => Step | null): string[] {
  const seen: string[] = [];
  for (let step = next(); step !== null; step = next()) seen.push(step.kind);
  return seen;
}

test('without orders there are look-ups alone', () => {
  const trip = makeTrip(0, 0);
  assert.equal(
    kinds(() => trip.shop()),
    ['lookup', 'lookup'],
  );
  assert.is(trip.readBack(), null);
});

test('with p 1 an order follows every look-up', () => {
  const trip = makeTrip(1, 0.9);
  assert.equal(
    kinds(() => trip.shop()),
    ['lookup', 'order', 'lookup', 'order'],
  );
});

test('p decides, and then a coin between buying and selling', () => {
  const trip = makeTrip(0.5, 0.49, 0.6, 0.5);
  const steps = [trip.shop(), trip.shop(), trip.shop(), trip.shop()];
  assert.equal(steps[1], { kind: 'order', order: { name: 'AAPL', type: 'sell', quantity: 1 } });
  assert.equal(
    steps.map((step) => step?.kind),
    ['lookup', 'order', 'lookup', undefined],
  );
});

test('every order that got a number is read back and compared', () => {
  const trip = makeTrip(1, 0, 0.1);
  const [lookup, order] = [trip.shop(), trip.shop()];
  assert.ok(lookup !== null && order !== null);
  assert.ok(trip.answered(lookup, Buffer.from('{"data":{"name":"AAPL","price":55.00,"quantity":100}}')));
  assert.not.ok(trip.answered(lookup, Buffer.from('{"data":{"name":"META","price":45.00,"quantity":100}}')));
  assert.not.ok(trip.answered(order, Buffer.from('{"data":{}}')));
  assert.ok(trip.answered(order, Buffer.from('{"data":{"transaction_number":7}}')));
  const read = trip.readBack();
  assert.ok(read !== null && read.kind === 'order read');
  assert.is(read.number, 7);
  const answer = '{"data":{"number":7,"name":"AAPL","type":"buy","quantity":1,"price":55.00,"time":"x"}}';
  assert.ok(trip.answered(read, Buffer.from(answer)));
  assert.not.ok(trip.answered(read, Buffer.from(answer.replace('buy', 'sell'))));
  assert.is(trip.readBack(), null);
});

test.run();

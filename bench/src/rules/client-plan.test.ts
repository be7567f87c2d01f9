import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ClientPlan, type ClientStep } from './client-plan.js';
import { placeOrder } from './requests.js';

/** Returns the given numbers in turn, then the last one forever. */
function scripted(...numbers: readonly number[]): () => number {
  let i = 0;
  return () => numbers[Math.min(i++, numbers.length - 1)] ?? 0;
}

function makeTrip(orderProbability: number, ...numbers: readonly number[]): ClientPlan {
  return new ClientPlan({
    lookups: 2,
    orderProbability,
    chooseStock: () => 'AAPL',
    random: scripted(...numbers),
  });
}

function kinds(next: () => ClientStep | null): string[] {
  const seen: string[] = [];
  for (let step = next(); step !== null; step = next()) seen.push(step.kind);
  return seen;
}

test('nextLookupOrOrder with p 0 makes only look-ups', () => {
  const trip = makeTrip(0, 0);
  assert.equal(
    kinds(() => trip.nextLookupOrOrder()),
    ['lookup', 'lookup'],
  );
  assert.is(trip.nextOrderRead(), null);
});

test('nextLookupOrOrder with p 1 makes an order after each look-up', () => {
  const trip = makeTrip(1, 0.9);
  assert.equal(
    kinds(() => trip.nextLookupOrOrder()),
    ['lookup', 'order', 'lookup', 'order'],
  );
});

test('nextLookupOrOrder draws whether to order, then whether to buy or sell', () => {
  const trip = makeTrip(0.5, 0.49, 0.6, 0.5);
  const steps = [
    trip.nextLookupOrOrder(),
    trip.nextLookupOrOrder(),
    trip.nextLookupOrOrder(),
    trip.nextLookupOrOrder(),
  ];
  const order = { name: 'AAPL', type: 'sell', quantity: 1 } as const;
  assert.equal(steps[1], { kind: 'order', order, request: placeOrder(order) });
  assert.equal(
    steps.map((step) => step?.kind),
    ['lookup', 'order', 'lookup', undefined],
  );
});

test('nextOrderRead reads each acknowledged order, and its answer is compared', () => {
  const trip = makeTrip(1, 0, 0.1);
  const [lookup, order] = [trip.nextLookupOrOrder(), trip.nextLookupOrOrder()];
  assert.ok(lookup !== null && order !== null);
  assert.ok(trip.checkAnswer(lookup, '{"data":{"name":"AAPL","price":55.00,"quantity":100}}'));
  assert.not.ok(trip.checkAnswer(lookup, '{"data":{"name":"META","price":45.00,"quantity":100}}'));
  assert.not.ok(trip.checkAnswer(order, '{"data":{}}'));
  assert.ok(trip.checkAnswer(order, '{"data":{"transaction_number":7}}'));
  const read = trip.nextOrderRead();
  assert.ok(read !== null && read.kind === 'order read');
  assert.equal([read.number, read.request], [7, { path: '/orders/7' }]);
  const answer = '{"data":{"number":7,"name":"AAPL","type":"buy","quantity":1,"price":55.00,"time":"x"}}';
  assert.ok(trip.checkAnswer(read, answer));
  assert.not.ok(trip.checkAnswer(read, answer.replace('buy', 'sell')));
  assert.is(trip.nextOrderRead(), null);
});

test.run();

/**
 * Front-ends, links, leaders and crashes in any order, in virtual time: every stock and page that is shown was visible at some
 * moment between question and answer, caches show what is visible, and in the end everything is answered.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buy, list, sell } from './testing/leader-log.js';
import { NAMES, World, type Frontend } from './testing/model.js';

/** Printed by its name where a run fails. */
class Step {
  readonly name: string;
  readonly take: (world: World) => void;

  constructor(name: string, take: (world: World) => void) {
    this.name = name;
    this.take = take;
  }

  [fc.toStringMethod](): string {
    return this.name;
  }
}

const name = fc.constantFrom(...NAMES);

interface Weighted {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<Step>;
}

function onFrontend(
  weight: number,
  what: string,
  act: (world: World, frontend: Frontend, name: string) => void,
): Weighted {
  const arbitrary = fc.tuple(fc.nat({ max: 2 }), name).map(
    ([position, stock]) =>
      new Step(`${what}(${position}, ${stock})`, (world) => {
        const frontend = world.frontends[position];
        if (frontend !== undefined) act(world, frontend, stock);
      }),
  );
  return { weight, arbitrary };
}

function withNumber(
  weight: number,
  what: string,
  max: number,
  act: (world: World, number: number) => void,
): Weighted {
  const arbitrary = fc
    .nat({ max })
    .map((number) => new Step(`${what}(${number})`, (world) => act(world, number)));
  return { weight, arbitrary };
}

const quantity = fc.integer({ min: 1, max: 60 });
const command = fc.oneof(
  fc.tuple(name, quantity).map(([stock, amount]) => buy(stock, amount)),
  fc.tuple(name, quantity).map(([stock, amount]) => sell(stock, amount)),
  fc.tuple(name, quantity).map(([stock, price]) => list(stock, price)),
);
const batch = fc
  .tuple(fc.array(command, { minLength: 1, maxLength: 3 }), fc.array(fc.boolean(), { maxLength: 3 }))
  .map(([commands, isSkipped]) => {
    const skip = [...commands.keys()].filter((position) => isSkipped[position]);
    return new Step(`batch(${JSON.stringify(commands)}, [${skip.join()}])`, (world) =>
      world.append(commands, skip),
    );
  });

const step: fc.Arbitrary<Step> = fc.oneof(
  withNumber(8, 'advance', 15, (world, ms) => world.advance(ms + 1)),
  withNumber(1, 'advance', 200, (world, ms) => world.advance(ms)),
  withNumber(1, 'setForward', 400, (world, ms) => world.setForward(ms)),
  { weight: 8, arbitrary: batch },
  withNumber(1, 'append', 0, (world) => world.append(null, [])),
  withNumber(8, 'commit', 2, (world, entries) => world.commit(entries + 1)),
  withNumber(20, 'deliverToCatalog', 0, (world) => world.deliverToCatalog(false)),
  withNumber(2, 'deliverToCatalog', 0, (world) => world.deliverToCatalog(true)),
  withNumber(2, 'trim', 0, (world) => world.trim()),
  withNumber(1, 'elect', 5, (world, number) => world.elect(number % 3, number)),
  withNumber(1, 'breakLeaderLink', 1, (world, number) => world.breakLeaderLink(number === 1)),
  withNumber(1, 'crash', 3, (world, number) => (number === 0 ? world.crash() : undefined)),
  onFrontend(4, 'open', (world, frontend) => world.open(frontend)),
  onFrontend(4, 'renew', (world, frontend) => world.renew(frontend)),
  onFrontend(8, 'lookUp', (world, frontend, stock) => world.lookUp(frontend, stock)),
  onFrontend(2, 'list', (world, frontend) => world.list(frontend)),
  onFrontend(14, 'deliverUp', (world, frontend) => world.deliverUp(frontend)),
  onFrontend(14, 'deliverDown', (world, frontend) => world.deliverDown(frontend)),
  onFrontend(12, 'readCache', (world, frontend, stock) => world.readCache(frontend, stock)),
  onFrontend(1, 'catalogLosesLink', (world, frontend) => world.catalogLosesLink(frontend)),
  onFrontend(1, 'frontendLosesLink', (world, frontend) => world.frontendLosesLink(frontend)),
  // What makes stale reads likely: everything delivered, caches filled under a lease.
  onFrontend(4, 'fill', fill),
  onFrontend(4, 'race', race),
  onFrontend(1, 'overlap', overlap),
);

function deliverAll(world: World): void {
  for (let round = 0; round < 4; round += 1) {
    for (let n = 0; n < 40; n += 1) world.deliverToCatalog(false);
    for (const frontend of world.frontends) {
      for (let n = 0; n < 40; n += 1) world.deliverUp(frontend);
      for (let n = 0; n < 40; n += 1) world.deliverDown(frontend);
    }
  }
}

function fill(world: World, frontend: Frontend, stock: string): void {
  world.open(frontend);
  world.commit(9);
  deliverAll(world);
  world.advance(26);
  deliverAll(world);
  world.renew(frontend);
  world.lookUp(frontend, stock);
  deliverAll(world);
  world.readCache(frontend, stock);
}

/** A stock that a cache has changes, and is read at once. */
function race(world: World, frontend: Frontend, stock: string): void {
  fill(world, frontend, stock);
  world.append([sell(stock)], []);
  world.commit(1);
  if (world.log.lastIndex % 4 === 0) world.setForward(150);
  world.deliverToCatalog(false);
  if (world.log.lastIndex % 4 === 2) world.setForward(150);
  world.readCache(frontend, stock);
  world.deliverDown(frontend);
  world.lookUp(frontend, stock);
  world.deliverUp(frontend);
  world.deliverUp(frontend);
  world.readCache(frontend, stock);
}

/** Two entries change a stock; it is asked for in between, and read from the cache after the second is visible. */
function overlap(world: World, frontend: Frontend, stock: string): void {
  fill(world, frontend, stock);
  for (let n = 0; n < 2; n += 1) world.append([sell(stock)], []);
  deliverAll(world);
  world.lookUp(frontend, stock);
  world.deliverUp(frontend);
  for (let n = 0; n < 2; n += 1) {
    world.commit(1);
    deliverAll(world);
    world.readCache(frontend, stock);
  }
}

/** No more faults: what was cut off stays so, until its lease is over. */
function drain(world: World): void {
  for (const frontend of world.frontends) {
    world.frontendLosesLink(frontend);
    world.open(frontend);
  }
  world.commit(Infinity);
  for (let round = 0; round < 40; round += 1) {
    deliverAll(world);
    world.advance(15);
  }
  assert.is(world.visible, world.log.lastIndex, 'everything becomes visible');
  assert.ok(world.isAnswering, 'look-ups are answered');
  for (const frontend of world.frontends) {
    for (const stock of NAMES) world.lookUp(frontend, stock);
    world.list(frontend);
  }
  deliverAll(world);
  assert.is(world.unanswered, 0, 'every question is answered');
}

test('what is shown was visible between question and answer, caches show what is visible, and everything is answered', () => {
  const totals: Record<string, number> = {};
  fc.assert(
    fc.property(fc.array(step, { minLength: 40, maxLength: 160, size: 'max' }), (steps) => {
      const world = new World();
      for (const { take } of steps) take(world);
      drain(world);
      for (const [what, count] of Object.entries(world.counts)) totals[what] = (totals[what] ?? 0) + count;
    }),
    { numRuns: 100 },
  );
  for (const [what, count] of Object.entries(totals)) assert.ok(count > 50, `${what}: ${count}`);
});

test.run();

/**
 * Random runs of front-ends, links, leaders and crashes in virtual time. Every stock and page in an answer was visible
 * at some moment between the query and its answer, caches return visible values, and in the end every query is answered.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buy, list, sell } from './testing/leader-log.js';
import { NAMES, CatalogSimulation, type SimulatedFrontend } from './testing/catalog-simulation.js';

/** A step of a run. A failed run prints the names of its steps. */
class Step {
  readonly name: string;
  readonly take: (world: CatalogSimulation) => void;

  constructor(name: string, take: (world: CatalogSimulation) => void) {
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
  act: (world: CatalogSimulation, frontend: SimulatedFrontend, name: string) => void,
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
  act: (world: CatalogSimulation, number: number) => void,
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
  withNumber(1, 'setForward', 400, (world, ms) => world.setWallClockForward(ms)),
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
  onFrontend(14, 'deliverUp', (world, frontend) => world.deliverToCatalogFrom(frontend)),
  onFrontend(14, 'deliverDown', (world, frontend) => world.deliverToFrontend(frontend)),
  onFrontend(12, 'readCache', (world, frontend, stock) => world.readCache(frontend, stock)),
  onFrontend(1, 'catalogLosesLink', (world, frontend) => world.closeLinkAtCatalog(frontend)),
  onFrontend(1, 'frontendLosesLink', (world, frontend) => world.closeLinkAtFrontend(frontend)),
  // These make stale reads likely: all frames delivered, and caches filled under a lease.
  onFrontend(4, 'fill', fill),
  onFrontend(4, 'race', race),
  onFrontend(1, 'overlap', overlap),
);

function deliverAll(world: CatalogSimulation): void {
  for (let round = 0; round < 4; round += 1) {
    for (let n = 0; n < 40; n += 1) world.deliverToCatalog(false);
    for (const frontend of world.frontends) {
      for (let n = 0; n < 40; n += 1) world.deliverToCatalogFrom(frontend);
      for (let n = 0; n < 40; n += 1) world.deliverToFrontend(frontend);
    }
  }
}

function fill(world: CatalogSimulation, frontend: SimulatedFrontend, stock: string): void {
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

/** Changes a cached stock and reads it at once. */
function race(world: CatalogSimulation, frontend: SimulatedFrontend, stock: string): void {
  fill(world, frontend, stock);
  world.append([sell(stock)], []);
  world.commit(1);
  if (world.log.lastIndex % 4 === 0) world.setWallClockForward(150);
  world.deliverToCatalog(false);
  if (world.log.lastIndex % 4 === 2) world.setWallClockForward(150);
  world.readCache(frontend, stock);
  world.deliverToFrontend(frontend);
  world.lookUp(frontend, stock);
  world.deliverToCatalogFrom(frontend);
  world.deliverToCatalogFrom(frontend);
  world.readCache(frontend, stock);
}

/** Two entries change a stock. It is looked up before they are visible, and read from the cache after each is. */
function overlap(world: CatalogSimulation, frontend: SimulatedFrontend, stock: string): void {
  fill(world, frontend, stock);
  for (let n = 0; n < 2; n += 1) world.append([sell(stock)], []);
  deliverAll(world);
  world.lookUp(frontend, stock);
  world.deliverToCatalogFrom(frontend);
  for (let n = 0; n < 2; n += 1) {
    world.commit(1);
    deliverAll(world);
    world.readCache(frontend, stock);
  }
}

/** Ends the faults: reconnects the front-ends and waits until every lease has expired. */
function drain(world: CatalogSimulation): void {
  for (const frontend of world.frontends) {
    world.closeLinkAtFrontend(frontend);
    world.open(frontend);
  }
  world.commit(Infinity);
  for (let round = 0; round < 40; round += 1) {
    deliverAll(world);
    world.advance(15);
  }
  assert.is(world.visible, world.log.lastIndex, 'every entry becomes visible');
  assert.ok(world.isAnswering, 'the catalog answers look-ups');
  for (const frontend of world.frontends) {
    for (const stock of NAMES) world.lookUp(frontend, stock);
    world.list(frontend);
  }
  deliverAll(world);
  assert.is(world.unansweredCount, 0, 'every query is answered');
}

test('answers and caches are linearizable in random runs, and every query is answered after the faults', () => {
  const totals: Record<string, number> = {};
  fc.assert(
    fc.property(fc.array(step, { minLength: 40, maxLength: 160, size: 'max' }), (steps) => {
      const world = new CatalogSimulation();
      for (const { take } of steps) take(world);
      drain(world);
      for (const [what, count] of Object.entries(world.counts)) totals[what] = (totals[what] ?? 0) + count;
    }),
    { numRuns: 100 },
  );
  for (const [what, count] of Object.entries(totals)) assert.ok(count > 50, `${what}: ${count}`);
});

test.run();

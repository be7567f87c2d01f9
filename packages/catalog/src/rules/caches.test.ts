/**
 * Front-ends, links, disk, leaders and crashes in any order, in virtual time: no reader may ever get an older value than one
 * that was told before, be it by an answered trade or to another reader, in this life of the catalog or in one whose last
 * decisions its disk has lost; and every trade is answered, in order, and always with the same outcomes.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buy, list, restock, sell } from './testing/frames.js';
import { NAMES, World } from './testing/model.js';

type Step = (world: World) => void;

const frontend = fc.nat({ max: 2 });
const name = fc.constantFrom(...NAMES);

function onFrontend(
  action: (world: World, frontend: World['frontends'][number], name: string) => void,
): fc.Arbitrary<Step> {
  return fc.tuple(frontend, name).map(([position, stock]) => (world: World) => {
    const chosen = world.frontends[position];
    if (chosen !== undefined) action(world, chosen, stock);
  });
}

const command = fc.oneof(
  fc.tuple(name, fc.integer({ min: 1, max: 60 })).map(([stock, quantity]) => buy(stock, quantity)),
  fc.tuple(name, fc.integer({ min: 1, max: 60 })).map(([stock, quantity]) => sell(stock, quantity)),
  fc.tuple(name, fc.integer({ min: 1, max: 9999 })).map(([stock, price]) => list(stock, price)),
  fc.tuple(name, fc.integer({ min: 1, max: 9 })).map(([stock, quantity]) => restock(stock, quantity)),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.integer({ min: 1, max: 250 }).map(
      (ms): Step =>
        (world) =>
          world.advance(ms),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 400, max: 1200 }).map(
      (ms): Step =>
        (world) =>
          world.advance(ms),
    ),
  },
  { weight: 3, arbitrary: onFrontend((world, chosen) => world.open(chosen)) },
  { weight: 4, arbitrary: onFrontend((world, chosen) => world.renew(chosen)) },
  { weight: 5, arbitrary: onFrontend((world, chosen, stock) => world.lookup(chosen, stock)) },
  { weight: 8, arbitrary: onFrontend((world, chosen) => world.deliverUp(chosen)) },
  { weight: 8, arbitrary: onFrontend((world, chosen) => world.deliverDown(chosen)) },
  { weight: 1, arbitrary: onFrontend((world, chosen) => world.catalogLosesLink(chosen)) },
  { weight: 1, arbitrary: onFrontend((world, chosen) => world.frontendLosesLink(chosen)) },
  { weight: 8, arbitrary: onFrontend((world, chosen, stock) => world.readCache(chosen, stock)) },
  // What makes stale reads likely: a cache filled, under a lease, in one go.
  { weight: 4, arbitrary: onFrontend(fill) },
  {
    weight: 4,
    arbitrary: fc.array(command, { maxLength: 3 }).map(
      (commands): Step =>
        (world) =>
          world.trade(commands),
    ),
  },
  { weight: 6, arbitrary: fc.constant<Step>((world) => world.finishWrite()) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.boolean(), fc.boolean()).map(
      ([survives, leaderDies]): Step =>
        (world) =>
          world.crash(survives, leaderDies),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.boolean().map(
      (isNoticed): Step =>
        (world) =>
          world.replaceLeader(isNoticed),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.deposedAsks()) },
);

function fill(world: World, chosen: World['frontends'][number], stock: string): void {
  world.open(chosen);
  world.renew(chosen);
  world.lookup(chosen, stock);
  for (let i = 0; i < 4; i++) world.deliverUp(chosen);
  for (let i = 0; i < 4; i++) world.deliverDown(chosen);
  world.readCache(chosen, stock);
}

/** Whatever was cut off stays so: its lease has to run out. */
function drain(world: World): void {
  world.replaceLeader(true);
  for (let i = 0; i < 30; i++) {
    world.finishWrite();
    world.advance(100);
  }
  assert.is(world.waiting, 0, 'every trade is answered');
  assert.ok(world.isReady, 'look-ups are served');
  assert.ok(world.isSaved, 'everything comes to the disk');
  for (const each of world.frontends) for (const stock of NAMES) fill(world, each, stock);
}

test('no read is older than what was told before, and every trade is answered, whatever a crash takes from the disk', () => {
  let cachedReads = 0;
  let answered = 0;
  let lost = 0;
  let replays = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 200, size: 'max' }), (steps) => {
      const world = new World();
      world.advance(1100);
      for (const each of steps) each(world);
      drain(world);
      cachedReads += world.cachedReads;
      answered += world.answered;
      lost += world.lost;
      replays += world.replays;
    }),
    { numRuns: 1500 },
  );
  // The property would hold of a world in which nothing happens.
  assert.ok(cachedReads > 1000, `${cachedReads} reads from a cache`);
  assert.ok(answered > 1000, `${answered} trades`);
  assert.ok(lost > 1000, `${lost} trades were told and lost by a crash`);
  assert.ok(replays > 100, `${replays} replays`);
});

test.run();

/**
 * Front-ends, links, leaders and crashes in any order, in virtual time: no reader may ever get an older value than one
 * that was told before, be it by an answered trade or to another reader, by this process of the catalog or one before it;
 * every stock that is shown is what the log makes of it by rules of the test's own; and every trade is answered.
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
    arbitrary: fc.tuple(fc.array(command, { maxLength: 3 }), fc.array(fc.boolean())).map(
      ([commands, isKnown]): Step =>
        (world) =>
          world.trade(
            commands,
            [...commands.keys()].filter((position) => isKnown[position]),
          ),
    ),
  },
  { weight: 10, arbitrary: fc.constant<Step>((world) => world.deliverToLeader()) },
  { weight: 2, arbitrary: fc.constant<Step>((world) => world.trim()) },
  {
    weight: 1,
    arbitrary: fc.boolean().map(
      (leaderDies): Step =>
        (world) =>
          world.crash(leaderDies),
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
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.deposedSends()) },
  {
    weight: 1,
    arbitrary: fc.nat({ max: 4 }).map(
      (entries): Step =>
        (world) =>
          world.deposedSendsSnapshot(entries),
    ),
  },
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
    for (let n = 0; n < 10; n++) world.deliverToLeader();
    world.advance(100);
  }
  assert.is(world.waiting, 0, 'every trade is answered');
  assert.ok(world.isReady, 'look-ups are served');
  for (const each of world.frontends) for (const stock of NAMES) fill(world, each, stock);
}

test('no read is older than what was told before, every stock is what the log makes of it, and every trade is answered', () => {
  const counts = { cachedReads: 0, told: 0, lost: 0, snapshots: 0, returns: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 200, size: 'max' }), (steps) => {
      const world = new World();
      world.advance(1100);
      for (const each of steps) each(world);
      drain(world);
      for (const count of ['cachedReads', 'told', 'lost', 'snapshots', 'returns'] as const)
        counts[count] += world[count];
    }),
    { numRuns: 1500 },
  );
  // The property would hold of a world in which nothing happens.
  for (const [count, least] of [
    ['cachedReads', 1000],
    ['told', 1000],
    ['lost', 1000],
    ['snapshots', 50],
    ['returns', 100],
  ] as const) {
    assert.ok(counts[count] > least, `${counts[count]} ${count}`);
  }
});

test.run();

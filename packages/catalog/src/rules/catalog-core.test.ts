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
  readonly take: (simulation: CatalogSimulation) => void;

  constructor(name: string, take: (simulation: CatalogSimulation) => void) {
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
  act: (simulation: CatalogSimulation, frontend: SimulatedFrontend, name: string) => void,
): Weighted {
  const arbitrary = fc.tuple(fc.nat({ max: 2 }), name).map(
    ([position, stock]) =>
      new Step(`${what}(${position}, ${stock})`, (simulation) => {
        const frontend = simulation.frontends[position];
        if (frontend !== undefined) act(simulation, frontend, stock);
      }),
  );
  return { weight, arbitrary };
}

function withNumber(
  weight: number,
  what: string,
  max: number,
  act: (simulation: CatalogSimulation, number: number) => void,
): Weighted {
  const arbitrary = fc
    .nat({ max })
    .map((number) => new Step(`${what}(${number})`, (simulation) => act(simulation, number)));
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
    return new Step(`batch(${JSON.stringify(commands)}, [${skip.join()}])`, (simulation) =>
      simulation.append(commands, skip),
    );
  });

const step: fc.Arbitrary<Step> = fc.oneof(
  withNumber(8, 'advance', 15, (simulation, ms) => simulation.advance(ms + 1)),
  withNumber(1, 'advance', 200, (simulation, ms) => simulation.advance(ms)),
  withNumber(1, 'setForward', 400, (simulation, ms) => simulation.setWallClockForward(ms)),
  { weight: 8, arbitrary: batch },
  withNumber(1, 'append', 0, (simulation) => simulation.append(null, [])),
  withNumber(8, 'commit', 2, (simulation, entries) => simulation.commit(entries + 1)),
  withNumber(20, 'deliverToCatalog', 0, (simulation) => simulation.deliverToCatalog(false)),
  withNumber(2, 'deliverToCatalog', 0, (simulation) => simulation.deliverToCatalog(true)),
  withNumber(2, 'trim', 0, (simulation) => simulation.trim()),
  withNumber(1, 'elect', 5, (simulation, number) => simulation.elect(number % 3, number)),
  withNumber(1, 'breakLeaderLink', 1, (simulation, number) => simulation.breakLeaderLink(number === 1)),
  withNumber(1, 'crash', 3, (simulation, number) => (number === 0 ? simulation.crash() : undefined)),
  onFrontend(4, 'open', (simulation, frontend) => simulation.open(frontend)),
  onFrontend(4, 'renew', (simulation, frontend) => simulation.renew(frontend)),
  onFrontend(8, 'lookUp', (simulation, frontend, stock) => simulation.lookUp(frontend, stock)),
  onFrontend(2, 'list', (simulation, frontend) => simulation.list(frontend)),
  onFrontend(14, 'deliverUp', (simulation, frontend) => simulation.deliverToCatalogFrom(frontend)),
  onFrontend(14, 'deliverDown', (simulation, frontend) => simulation.deliverToFrontend(frontend)),
  onFrontend(12, 'readCache', (simulation, frontend, stock) => simulation.readCache(frontend, stock)),
  onFrontend(1, 'catalogLosesLink', (simulation, frontend) => simulation.closeLinkAtCatalog(frontend)),
  onFrontend(1, 'frontendLosesLink', (simulation, frontend) => simulation.closeLinkAtFrontend(frontend)),
  // These make stale reads likely: all frames delivered, and caches filled under a lease.
  onFrontend(4, 'fill', fill),
  onFrontend(4, 'race', race),
  onFrontend(1, 'overlap', overlap),
);

function deliverAll(simulation: CatalogSimulation): void {
  for (let round = 0; round < 4; round += 1) {
    for (let n = 0; n < 40; n += 1) simulation.deliverToCatalog(false);
    for (const frontend of simulation.frontends) {
      for (let n = 0; n < 40; n += 1) simulation.deliverToCatalogFrom(frontend);
      for (let n = 0; n < 40; n += 1) simulation.deliverToFrontend(frontend);
    }
  }
}

function fill(simulation: CatalogSimulation, frontend: SimulatedFrontend, stock: string): void {
  simulation.open(frontend);
  simulation.commit(9);
  deliverAll(simulation);
  simulation.advance(26);
  deliverAll(simulation);
  simulation.renew(frontend);
  simulation.lookUp(frontend, stock);
  deliverAll(simulation);
  simulation.readCache(frontend, stock);
}

/** Changes a cached stock and reads it at once. */
function race(simulation: CatalogSimulation, frontend: SimulatedFrontend, stock: string): void {
  fill(simulation, frontend, stock);
  simulation.append([sell(stock)], []);
  simulation.commit(1);
  if (simulation.log.lastIndex % 4 === 0) simulation.setWallClockForward(150);
  simulation.deliverToCatalog(false);
  if (simulation.log.lastIndex % 4 === 2) simulation.setWallClockForward(150);
  simulation.readCache(frontend, stock);
  simulation.deliverToFrontend(frontend);
  simulation.lookUp(frontend, stock);
  simulation.deliverToCatalogFrom(frontend);
  simulation.deliverToCatalogFrom(frontend);
  simulation.readCache(frontend, stock);
}

/** Two entries change a stock. It is looked up before they are visible, and read from the cache after each is. */
function overlap(simulation: CatalogSimulation, frontend: SimulatedFrontend, stock: string): void {
  fill(simulation, frontend, stock);
  for (let n = 0; n < 2; n += 1) simulation.append([sell(stock)], []);
  deliverAll(simulation);
  simulation.lookUp(frontend, stock);
  simulation.deliverToCatalogFrom(frontend);
  for (let n = 0; n < 2; n += 1) {
    simulation.commit(1);
    deliverAll(simulation);
    simulation.readCache(frontend, stock);
  }
}

/** Ends the faults: reconnects the front-ends and waits until every lease has expired. */
function drain(simulation: CatalogSimulation): void {
  for (const frontend of simulation.frontends) {
    simulation.closeLinkAtFrontend(frontend);
    simulation.open(frontend);
  }
  simulation.commit(Infinity);
  for (let round = 0; round < 40; round += 1) {
    deliverAll(simulation);
    simulation.advance(15);
  }
  assert.is(simulation.visible, simulation.log.lastIndex, 'every entry becomes visible');
  assert.ok(simulation.isAnswering, 'the catalog answers look-ups');
  for (const frontend of simulation.frontends) {
    for (const stock of NAMES) simulation.lookUp(frontend, stock);
    simulation.list(frontend);
  }
  deliverAll(simulation);
  assert.is(simulation.unansweredCount, 0, 'every query is answered');
}

test('answers and caches are linearizable in random runs, and every query is answered after the faults', () => {
  const totals: Record<string, number> = {};
  fc.assert(
    fc.property(fc.array(step, { minLength: 40, maxLength: 160, size: 'max' }), (steps) => {
      const simulation = new CatalogSimulation();
      for (const { take } of steps) take(simulation);
      drain(simulation);
      for (const [what, count] of Object.entries(simulation.counts))
        totals[what] = (totals[what] ?? 0) + count;
    }),
    { numRuns: 100 },
  );
  for (const [what, count] of Object.entries(totals)) assert.ok(count > 50, `${what}: ${count}`);
});

test.run();

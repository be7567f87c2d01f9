/** The simulated network does what every transport must, and has the faults that it is for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Recorder,
  heartbeat,
  transportConformance,
  transportSnapshotConformance,
} from '#raft/transport/conformance.js';
import type { Transport } from '#raft/transport/transport.js';
import { Random } from '../engine/random.js';
import { SECOND, Scheduler, continuationsDone } from '../engine/scheduler.js';
import { Scope } from '../engine/scope.js';
import { Trace } from '../engine/trace.js';
import { SimNetwork } from './network.js';

interface Net {
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly transport: (id: string) => Transport;
}

/** Longer than any test. */
const PATIENCE = 1e6 * SECOND;

function net(isOrdered = false, echo = 0): Net {
  const scheduler = new Scheduler();
  const trace = new Trace(scheduler, null);
  const network = new SimNetwork({
    scheduler,
    random: new Random(7),
    trace,
    isOrdered,
    echo,
    damage: 0,
    patience: PATIENCE,
  });
  const transport = (id: string): Transport => {
    const scope = new Scope(scheduler, () => undefined);
    return network.transport(id, scope, () => undefined);
  };
  return { scheduler, network, transport };
}

/** The scheduler of the pair under test. */
let current = new Scheduler();

/** Has time pass while a test waits for something else than `until`. */
function drive(scheduler: Scheduler): void {
  if (scheduler !== current) return;
  scheduler.step(scheduler.now + SECOND);
  setImmediate(() => drive(scheduler));
}

const CONFORMANCE: Parameters<typeof transportConformance>[0] = {
  test: (name, run) => test(name, run),
  makePair: async () => {
    const { scheduler, transport } = net();
    current = scheduler;
    drive(scheduler);
    return { a: transport('a'), b: transport('b') };
  },
  until: async (condition, what) => {
    for (let events = 0; !condition(); events += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (events > 100_000) throw new Error(`it never comes to ${what}`);
    }
  },
};

transportConformance(CONFORMANCE);
transportSnapshotConformance(CONFORMANCE);

test('the conformance tests are over: time stands still', async () => {
  current = new Scheduler();
  await continuationsDone();
});

/** What arrives at `b` of a hundred messages from `a`. */
async function hundred({ scheduler, transport }: Net): Promise<number[]> {
  const at = new Recorder();
  const [a, b] = [transport('a'), transport('b')];
  await Promise.all([a.start(new Recorder()), b.start(at)]);
  for (let round = 0; round < 100; round += 1) a.send(heartbeat('a', 'b', round));
  while (scheduler.step(scheduler.now + 60 * SECOND));
  return at.messages.map((message) => (message.type === 'heartbeat' ? message.round : -1));
}

const inOrder = Array.from({ length: 100 }, (_, round) => round);

test('links keep their order, or do not', async () => {
  assert.equal(await hundred(net(true)), inOrder);
  const unordered = await hundred(net(false));
  assert.not.equal(unordered, inOrder);
  assert.equal(
    unordered.sort((x, y) => x - y),
    inOrder,
  );
});

test('a cut link carries nothing, in that direction alone; after the cut it carries all', async () => {
  const cut = net();
  const heal = cut.network.impair('a', 'b', { cut: true });
  const again = cut.network.impair('a', 'b', { cut: true });
  heal();
  assert.equal(await hundred(cut), [], 'one of two cuts is left');
  again();
  const healed = await hundred(cut);
  assert.is(healed.length, 100);
  const other = net();
  other.network.impair('b', 'a', { cut: true });
  assert.is((await hundred(other)).length, 100);
});

test('loss, duplication, lateness and echoes', async () => {
  const lossy = net();
  lossy.network.impair('a', 'b', { loss: 0.5 });
  const left = (await hundred(lossy)).length;
  assert.ok(left > 20 && left < 80, `${left} of 100 are left`);

  const twice = net();
  twice.network.impair('a', 'b', { duplication: 1 });
  assert.is((await hundred(twice)).length, 200);

  const late = net(true);
  late.network.impair('a', 'b', { straggling: 0.5 });
  assert.not.equal(await hundred(late), inOrder);

  assert.is((await hundred(net(true, 1))).length, 200);
});

test('a message to a paused process arrives after the pause, one to a dead process never', async () => {
  const { scheduler, network, transport } = net();
  const a = transport('a');
  const at = new Recorder();
  const scope = new Scope(scheduler, () => undefined);
  await a.start(new Recorder());
  await network.transport('b', scope, () => undefined).start(at);
  scope.pause();
  a.send(heartbeat('a', 'b', 1));
  while (scheduler.step(scheduler.now + SECOND));
  assert.is(at.messages.length, 0);
  scope.resume();
  while (scheduler.step(scheduler.now + SECOND));
  assert.is(at.messages.length, 1);
  scope.kill();
  a.send(heartbeat('a', 'b', 2));
  while (scheduler.step(scheduler.now + SECOND));
  assert.is(at.messages.length, 1);
});

test.run();

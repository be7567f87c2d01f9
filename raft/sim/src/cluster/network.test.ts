/** The simulated network conforms to the transport interface, and injects faults. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Transport } from '@trireme/raft';
import {
  RecordingHandler,
  heartbeat,
  transportConformance,
  transportSnapshotConformance,
} from '@trireme/raft/testing';
import { Random } from '../engine/random.js';
import { SECOND, Scheduler, drainContinuations } from '../engine/scheduler.js';
import { ProcessScope } from '../engine/scope.js';
import { Trace } from '../engine/trace.js';
import { SimNetwork } from './network.js';

interface Fixture {
  readonly scheduler: Scheduler;
  readonly network: SimNetwork;
  readonly transport: (id: string) => Transport;
}

/** Longer than any test. */
const TRANSFER_TIMEOUT = 1e6 * SECOND;

function newNetwork(isOrdered = false, echo = 0): Fixture {
  const scheduler = new Scheduler();
  const trace = new Trace(scheduler, null);
  const network = new SimNetwork({
    scheduler,
    random: new Random(7),
    trace,
    isOrdered,
    echo,
    damage: 0,
    transferTimeout: TRANSFER_TIMEOUT,
  });
  const transport = (id: string): Transport => {
    const scope = new ProcessScope(scheduler, () => undefined);
    return network.transport(id, scope, () => undefined);
  };
  return { scheduler, network, transport };
}

/** The scheduler of the transports under test. */
let current = new Scheduler();

/** Lets virtual time pass while a test waits for something other than `until`. */
function drive(scheduler: Scheduler): void {
  if (scheduler !== current) return;
  scheduler.step(scheduler.now + SECOND);
  setImmediate(() => drive(scheduler));
}

const CONFORMANCE: Parameters<typeof transportConformance>[0] = {
  test: (name, run) => test(name, run),
  makePair: async () => {
    const { scheduler, transport } = newNetwork();
    current = scheduler;
    drive(scheduler);
    return { a: transport('a'), b: transport('b') };
  },
  until: async (condition, what) => {
    for (let events = 0; !condition(); events += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (events > 100_000) throw new Error(`not reached after ${events} events: ${what}`);
    }
  },
};

transportConformance(CONFORMANCE);
transportSnapshotConformance(CONFORMANCE);

test('stops virtual time after the conformance tests', async () => {
  current = new Scheduler();
  await drainContinuations();
});

/** Sends 100 messages from `a` to `b`. Returns the numbers of those that arrive, in order of arrival. */
async function sendHundred({ scheduler, transport }: Fixture): Promise<number[]> {
  const receiver = new RecordingHandler();
  const [a, b] = [transport('a'), transport('b')];
  await Promise.all([a.start(new RecordingHandler()), b.start(receiver)]);
  for (let round = 0; round < 100; round += 1) a.send(heartbeat('a', 'b', round));
  while (scheduler.step(scheduler.now + 60 * SECOND));
  return receiver.messages.map((message) => (message.type === 'heartbeat' ? message.round : -1));
}

const inOrder = Array.from({ length: 100 }, (_, round) => round);

test('send: an ordered network preserves the order of messages, an unordered one does not', async () => {
  assert.equal(await sendHundred(newNetwork(true)), inOrder);
  const unordered = await sendHundred(newNetwork(false));
  assert.not.equal(unordered, inOrder);
  assert.equal(
    unordered.sort((x, y) => x - y),
    inOrder,
  );
});

test('impair: a cut blocks one direction of a link until every cut has ended', async () => {
  const cut = newNetwork();
  const heal = cut.network.impair('a', 'b', { cut: true });
  const again = cut.network.impair('a', 'b', { cut: true });
  heal();
  assert.equal(await sendHundred(cut), [], 'the second cut remains');
  again();
  const healed = await sendHundred(cut);
  assert.is(healed.length, 100);
  const other = newNetwork();
  other.network.impair('b', 'a', { cut: true });
  assert.is((await sendHundred(other)).length, 100);
});

test('impair: loss, duplication, late messages and echoes', async () => {
  const lossy = newNetwork();
  lossy.network.impair('a', 'b', { loss: 0.5 });
  const arrived = (await sendHundred(lossy)).length;
  assert.ok(arrived > 20 && arrived < 80, `${arrived} of 100 arrived`);

  const twice = newNetwork();
  twice.network.impair('a', 'b', { duplication: 1 });
  assert.is((await sendHundred(twice)).length, 200);

  const late = newNetwork(true);
  late.network.impair('a', 'b', { lateness: 0.5 });
  assert.not.equal(await sendHundred(late), inOrder);

  assert.is((await sendHundred(newNetwork(true, 1))).length, 200);
});

test('send: a message to a paused process arrives after the pause, one to a dead process never', async () => {
  const { scheduler, network, transport } = newNetwork();
  const a = transport('a');
  const receiver = new RecordingHandler();
  const scope = new ProcessScope(scheduler, () => undefined);
  await a.start(new RecordingHandler());
  await network.transport('b', scope, () => undefined).start(receiver);
  scope.pause();
  a.send(heartbeat('a', 'b', 1));
  while (scheduler.step(scheduler.now + SECOND));
  assert.is(receiver.messages.length, 0);
  scope.resume();
  while (scheduler.step(scheduler.now + SECOND));
  assert.is(receiver.messages.length, 1);
  scope.kill();
  a.send(heartbeat('a', 'b', 2));
  while (scheduler.step(scheduler.now + SECOND));
  assert.is(receiver.messages.length, 1);
});

test.run();

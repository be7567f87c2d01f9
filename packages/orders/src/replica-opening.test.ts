/** A replica that begins to lead: what it is asked before its session is open, and what it knows while its book is being written. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftError, RaftNode, type NodeStatus } from '@trireme/raft';
import type { Link } from '@trireme/service';
import { BookWriter } from './book-writer.js';
import { HELD_ITEMS_MAX, HeldFrames, busyAnswer, isForLeader } from './held-frames.js';
import type { FrontendFrame } from './rules/frames.js';
import { buy } from './rules/testing/batches.js';
import { BookStore } from './store.js';
import { withFolder } from './testing/folders.js';
import { Rig, until, type FakeFrontend } from './testing/rig.js';

const PRICE = 1001;

/** Holds back every write of a book. @returns what ends that, and lets those through that wait */
function holdBookWrites(): () => void {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  BookStore.prototype.write = async function (writes) {
    await held;
    await BookWriter.prototype.write.call(this, writes);
  };
  return () => {
    Reflect.deleteProperty(BookStore.prototype, 'write');
    release();
  };
}

/** Has the log refuse the seed for load. @returns what ends that */
function refuseSeed(): () => void {
  const propose = Object.getOwnPropertyDescriptor(RaftNode.prototype, 'propose');
  RaftNode.prototype.propose = () => {
    throw new RaftError('OVERLOADED', 'refused by the test');
  };
  return () => {
    if (propose !== undefined) Object.defineProperty(RaftNode.prototype, 'propose', propose);
  };
}

const leads = (frontend: FakeFrontend): boolean =>
  frontend.frames.some((frame) => frame.t === 'leader' && frame.leader === '1');

/** A replica that was elected and cannot seed its cluster: its session waits. */
async function withWaitingSession(
  run: (rig: Rig, frontend: FakeFrontend, letSeed: () => void) => Promise<void>,
): Promise<void> {
  await withFolder(async (path) => {
    const letSeed = refuseSeed();
    const rig = new Rig(path);
    rig.catalog.up();
    try {
      const frontend = await rig.startLinked();
      await until(() => rig.status['leading'] === true, 'the lead');
      await run(rig, frontend, letSeed);
      assert.equal(rig.fatals, []);
    } finally {
      letSeed();
      await rig.close();
    }
  });
}

test('who is elected says so at once; what it is asked before its session is open is answered then', async () => {
  await withWaitingSession(async (rig, frontend, letSeed) => {
    await until(() => leads(frontend), 'who leads');
    const [id = 0] = frontend.submit(buy('early'));
    const asked = [frontend.get(7), frontend.listStocks('', 10)] as const;
    const late = await rig.linked();
    await until(() => leads(late), 'who leads');
    // All that was asked has arrived when what was sent after it is answered.
    await frontend.get(1, false);
    assert.is(rig.status['session'], null);
    assert.equal(
      frontend.frames.filter(({ t }) => t === 'submitted' || t === 'stockPage'),
      [],
    );
    letSeed();
    assert.equal((await frontend.submitted(id)).slice(1), ['filled', 1, PRICE]);
    const [missing, page] = await Promise.all(asked);
    assert.equal([missing[1], page.t], ['missing', 'stockPage']);
  });
});

test('a lead that is lost while the session waits opens none', async () => {
  await withWaitingSession(async (rig, frontend, letSeed) => {
    const status: (this: RaftNode) => NodeStatus = Reflect.get(RaftNode.prototype, 'status');
    RaftNode.prototype.status = function () {
      return { ...status.call(this), role: 'follower', leading: false };
    };
    try {
      letSeed();
      await until(() => Number(rig.status['applied']) >= 2, 'the seed');
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.is(rig.status['session'], null);
      assert.equal((await frontend.place(buy('a'))).slice(1), ['refused', 'notLeader']);
    } finally {
      RaftNode.prototype.status = status;
    }
  });
});

test('a replica that is stopped while its session waits refuses what it held, and opens none', async () => {
  await withWaitingSession(async (rig, frontend, letSeed) => {
    const [id = 0] = frontend.submit(buy('held'));
    await until(() => leads(frontend), 'who leads');
    // The submission has arrived when what was sent after it is answered.
    await frontend.get(1, false);
    const stopped = rig.stop();
    assert.equal((await frontend.submitted(id)).slice(1), ['refused', 'notLeader']);
    letSeed();
    await stopped;
  });
});

test('a session opens while the book is being written, and knows what is not stored', async () => {
  await withFolder(async (path) => {
    const letWrite = holdBookWrites();
    const rig = new Rig(path);
    rig.catalog.up();
    try {
      const frontend = await rig.start();
      assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
      assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
      assert.is((await frontend.get(1))[1], 'order');
      const page = frontend.list(0, 10, null);
      letWrite();
      assert.is((await page).t, 'page');
      assert.equal(rig.fatals, []);
    } finally {
      letWrite();
      await rig.close();
    }
  });
});

test('what is held is bounded, and goes with its link', () => {
  const held = new HeldFrames();
  const [one, other] = [link(1), link(2)];
  const item = { id: 1, command: buy('a'), requestId: null };
  const many = Array.from({ length: HELD_ITEMS_MAX }, () => item);
  assert.is(held.hold(one, { t: 'submit', items: many, invalid: [] }), true);
  assert.is(held.hold(other, { t: 'submit', items: [item], invalid: [] }), false);
  held.forget(one);
  assert.is(held.hold(other, { t: 'submit', items: [item], invalid: [] }), true);
  assert.is(held.hold(other, { t: 'get', items: [[1, 1, true]], invalid: [] }), true);
  assert.equal(
    held.takeAll().map(({ frame }) => frame.t),
    ['submit', 'get'],
  );
  assert.equal(held.takeAll(), []);
});

test('what only a leader can answer is told apart, and answered as busy where there is no room', () => {
  const item = { id: 1, command: buy('a'), requestId: null };
  const answer = (frame: FrontendFrame): unknown => (isForLeader(frame) ? busyAnswer(frame) : null);
  assert.is(answer({ t: 'report' }), null);
  assert.is(answer({ t: 'get', items: [[1, 1, false]], invalid: [] }), null);
  const got = { t: 'got', items: [[1, 'refused', 'busy']] };
  assert.equal(answer({ t: 'get', items: [[1, 1, true]], invalid: [] }), got);
  assert.equal(answer({ t: 'submit', items: [item], invalid: [] }), { ...got, t: 'submitted' });
  assert.equal(answer({ t: 'lookup', items: [[1, 'A']], invalid: [] }), { ...got, t: 'stocks', life: '' });
  const page = { t: 'pageRefused', id: 3, why: 'busy' };
  assert.equal(answer({ t: 'list', id: 3, after: 0, limit: 1, name: null }), page);
  assert.equal(answer({ t: 'listStocks', id: 3, after: '', limit: 1 }), page);
});

function link(id: number): Link {
  return { id, peer: 'frontend', closed: false, send: () => true, close: () => undefined };
}

test.run();

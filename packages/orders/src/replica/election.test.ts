/**
 * A replica that becomes leader: requests before its session is open, and state while its book is being
 * written.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { REPLICA_TO_FRONTEND, parseFrame } from '@trireme/domain';
import { RaftError, RaftNode, type NodeStatus } from '@trireme/raft';
import type { Link } from '@trireme/service';
import { PENDING_ITEMS_MAX, PendingFrames, busyAnswer, requiresLeader } from './pending-frames.js';
import type { FrontendFrame } from '../rules/frames.js';
import { buy } from '../rules/testing/batches.js';
import { BookStore } from '../book/store.js';
import { withFolder } from '../testing/folders.js';
import { TestReplica, until, type ReplicaClient } from '../testing/test-replica.js';

const PRICE = 1001;

/** Blocks every write of a book. @returns a function that unblocks them */
function holdBookWrites(): () => void {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const write = Object.getOwnPropertyDescriptor(BookStore.prototype, 'write');
  BookStore.prototype.write = async function (writes) {
    await held;
    await (write?.value as BookStore['write']).call(this, writes);
  };
  return () => {
    if (write !== undefined) Object.defineProperty(BookStore.prototype, 'write', write);
    release();
  };
}

/** Makes the log refuse the seed because of load. @returns a function that ends this */
function refuseSeed(): () => void {
  const propose = Object.getOwnPropertyDescriptor(RaftNode.prototype, 'propose');
  RaftNode.prototype.propose = () => {
    throw new RaftError('OVERLOADED', 'refused by the test');
  };
  return () => {
    if (propose !== undefined) Object.defineProperty(RaftNode.prototype, 'propose', propose);
  };
}

const leads = (frontend: ReplicaClient): boolean =>
  frontend.frames.some((frame) => frame.t === 'leader' && frame.leader === '1');

/** Runs a replica that was elected and cannot seed its cluster, so that its session is pending. */
async function withPendingSession(
  run: (replica: TestReplica, frontend: ReplicaClient, letSeed: () => void) => Promise<void>,
): Promise<void> {
  await withFolder(async (path) => {
    const letSeed = refuseSeed();
    const replica = new TestReplica(path);
    replica.catalog.start();
    try {
      const frontend = await replica.startLinked();
      await until(() => replica.status['leading'] === true, 'leadership');
      await run(replica, frontend, letSeed);
      assert.equal(replica.fatals, []);
    } finally {
      letSeed();
      await replica.close();
    }
  });
}

test('an elected replica announces itself at once, and answers held requests when its session opens', async () => {
  await withPendingSession(async (replica, frontend, letSeed) => {
    await until(() => leads(frontend), 'the announcement of the leader');
    const [id = 0] = frontend.submit(buy('early'));
    const asked = [frontend.get(7), frontend.listStocks('', 10)] as const;
    const late = await replica.connectFrontend();
    await until(() => leads(late), 'the announcement of the leader');
    // Frames are handled in order: once the last one is answered, the earlier ones have arrived.
    await frontend.get(1, false);
    assert.is(replica.status['session'], null);
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

test('lost leadership while the session is pending: no session opens', async () => {
  await withPendingSession(async (replica, frontend, letSeed) => {
    const status: (this: RaftNode) => NodeStatus = Reflect.get(RaftNode.prototype, 'status');
    RaftNode.prototype.status = function () {
      return { ...status.call(this), role: 'follower', leading: false };
    };
    try {
      letSeed();
      await until(() => Number(replica.status['applied']) >= 2, 'the seed');
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.is(replica.status['session'], null);
      assert.equal((await frontend.place(buy('a'))).slice(1), ['refused', 'notLeader']);
    } finally {
      RaftNode.prototype.status = status;
    }
  });
});

test('stop while the session is pending refuses the held requests and opens no session', async () => {
  await withPendingSession(async (replica, frontend, letSeed) => {
    const [id = 0] = frontend.submit(buy('held'));
    await until(() => leads(frontend), 'the announcement of the leader');
    // Frames are handled in order: once the last one is answered, the submission has arrived.
    await frontend.get(1, false);
    const stopped = replica.stop();
    assert.equal((await frontend.submitted(id)).slice(1), ['refused', 'notLeader']);
    letSeed();
    await stopped;
  });
});

test('a session that opens while the book is being written knows what is not stored', async () => {
  await withFolder(async (path) => {
    const letWrite = holdBookWrites();
    const replica = new TestReplica(path);
    replica.catalog.start();
    try {
      const frontend = await replica.start();
      assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
      assert.equal((await frontend.place(buy('a'))).slice(1), ['filled', 1, PRICE]);
      assert.is((await frontend.get(1))[1], 'order');
      const page = frontend.list(0, 10, null);
      letWrite();
      assert.is((await page).t, 'page');
      assert.equal(replica.fatals, []);
    } finally {
      letWrite();
      await replica.close();
    }
  });
});

test('PendingFrames limits the number of items and drops the frames of a closed link', () => {
  const held = new PendingFrames();
  const [one, other] = [link(1), link(2)];
  const item = { id: 1, command: buy('a'), requestId: null };
  const many = Array.from({ length: PENDING_ITEMS_MAX }, () => item);
  assert.is(held.tryAdd(one, { t: 'submit', items: many, invalid: [] }), true);
  assert.is(held.tryAdd(other, { t: 'submit', items: [item], invalid: [] }), false);
  held.removeLink(one);
  assert.is(held.tryAdd(other, { t: 'submit', items: [item], invalid: [] }), true);
  assert.is(held.tryAdd(other, { t: 'get', items: [[1, 1, true]], invalid: [] }), true);
  assert.equal(
    held.drain().map(({ frame }) => frame.t),
    ['submit', 'get'],
  );
  assert.equal(held.drain(), []);
});

test('isForLeader and busyAnswer recognize each frame for the leader and answer it with busy', () => {
  const item = { id: 1, command: buy('a'), requestId: null };
  const answer = (frame: FrontendFrame): unknown => (requiresLeader(frame) ? busyAnswer(frame) : null);
  assert.is(answer({ t: 'report' }), null);
  assert.is(answer({ t: 'get', items: [[1, 1, false]], invalid: [] }), null);
  const got = { t: 'got', items: [[1, 'refused', 'busy']] };
  assert.equal(answer({ t: 'get', items: [[1, 1, true]], invalid: [] }), got);
  assert.equal(answer({ t: 'submit', items: [item], invalid: [] }), { ...got, t: 'submitted' });
  assert.equal(answer({ t: 'lookup', items: [[1, 'A']], invalid: [] }), { ...got, t: 'stocks', life: '' });
  assert.equal(
    parseFrame(REPLICA_TO_FRONTEND, answer({ t: 'lookup', items: [[1, 'A']], invalid: [] })),
    { ...got, t: 'stocks', life: '', invalid: [] },
    'front-ends accept the answer without a life',
  );
  const page = { t: 'pageRefused', id: 3, why: 'busy' };
  assert.equal(answer({ t: 'list', id: 3, after: 0, limit: 1, name: null }), page);
  assert.equal(answer({ t: 'listStocks', id: 3, after: '', limit: 1 }), page);
});

function link(id: number): Link {
  return { id, peer: 'frontend', version: 9, isClosed: false, send: () => true, close: () => undefined };
}

test.run();

/** A replica that begins to lead while its book is being written: when its office opens, and when it does not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RaftNode, type NodeStatus } from '@trireme/raft';
import { BookWriter } from './book-writer.js';
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

const leads = (frontend: FakeFrontend): boolean =>
  frontend.frames.some((frame) => frame.t === 'leader' && frame.leader === '1');

/** A replica that leads and has not written its book as far: its office waits. */
async function withWaitingOffice(
  run: (rig: Rig, frontend: FakeFrontend, letWrite: () => void) => Promise<void>,
): Promise<void> {
  await withFolder(async (path) => {
    const letWrite = holdBookWrites();
    const rig = new Rig(path);
    rig.catalog.up();
    try {
      const frontend = await rig.startLinked();
      await until(() => rig.status['leading'] === true, 'the lead');
      await run(rig, frontend, letWrite);
      assert.equal(rig.fatals, []);
    } finally {
      letWrite();
      await rig.close();
    }
  });
}

test('who leads says so once its book is written; orders that came before are taken then', async () => {
  await withWaitingOffice(async (rig, frontend, letWrite) => {
    const [id = 0] = frontend.submit(buy('early'));
    assert.equal((await frontend.get(1)).slice(1), ['refused', 'notLeader']);
    const late = await rig.linked();
    await until(() => late.frames.some(({ t }) => t === 'leader'), 'who leads');
    assert.equal([leads(frontend), leads(late), rig.status['office']], [false, false, null]);
    letWrite();
    assert.equal((await frontend.submitted(id)).slice(1), ['filled', 1, PRICE]);
    await until(() => leads(frontend) && leads(late), 'the news');
    assert.is((await frontend.get(1))[1], 'order');
  });
});

test('a lead that is lost while the office waits for the book opens none', async () => {
  await withWaitingOffice(async (rig, frontend, letWrite) => {
    const status: (this: RaftNode) => NodeStatus = Reflect.get(RaftNode.prototype, 'status');
    RaftNode.prototype.status = function () {
      return { ...status.call(this), role: 'follower', leading: false };
    };
    try {
      letWrite();
      await until(() => Number(rig.status['applied']) >= 2, 'the write of the seed');
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal([rig.status['office'], leads(frontend)], [null, false]);
      assert.equal((await frontend.place(buy('a'))).slice(1), ['refused', 'notLeader']);
    } finally {
      RaftNode.prototype.status = status;
    }
  });
});

test('a replica that is stopped while its office waits for the book refuses what it held, and opens none', async () => {
  await withWaitingOffice(async (rig, frontend, letWrite) => {
    const [id = 0] = frontend.submit(buy('held'));
    // The submission has arrived when what was sent behind it is answered.
    await frontend.get(1);
    const stopped = rig.stop();
    assert.equal((await frontend.submitted(id)).slice(1), ['refused', 'notLeader']);
    letWrite();
    await stopped;
    assert.is(leads(frontend), false);
  });
});

test.run();

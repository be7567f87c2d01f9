import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { Deadlines, type Deadline } from './deadlines.js';

function open(deadlines: Deadlines, now: number): Deadline {
  const deadline = deadlines.open(now);
  if (deadline === null) throw new Error('at the bound');
  return deadline;
}

test('deadlines expire in order, each when it is due, and tell whoever watches', () => {
  const deadlines = new Deadlines(100, 10);
  assert.is(deadlines.nextAt, null);
  const [one, two] = [open(deadlines, 0), open(deadlines, 10)];
  const told: string[] = [];
  one.watch(() => told.push('one'));
  two.watch(() => told.push('two'));
  assert.is(deadlines.nextAt, 100);
  deadlines.expireDue(99);
  assert.equal(told, []);
  deadlines.expireDue(100);
  assert.equal(told, ['one']);
  assert.equal([one.expired, two.expired], [true, false]);
  assert.is(deadlines.nextAt, 110);
  deadlines.expireDue(200);
  assert.equal(told, ['one', 'two']);
  assert.is(deadlines.size, 0);
});

test('a closed deadline expires no more', () => {
  const deadlines = new Deadlines(100, 10);
  const deadline = open(deadlines, 0);
  deadline.watch(() => assert.unreachable());
  deadlines.close(deadline);
  deadlines.expireDue(1000);
  assert.not(deadline.expired);
});

test('at the bound none is opened, until one is closed', () => {
  const deadlines = new Deadlines(100, 1);
  const deadline = open(deadlines, 0);
  assert.is(deadlines.open(0), null);
  deadlines.close(deadline);
  assert.is.not(deadlines.open(0), null);
});

test('the signal is aborted when the time is over, whenever it was asked for', () => {
  const deadlines = new Deadlines(100, 10);
  const [early, late] = [open(deadlines, 0), open(deadlines, 0)];
  const { signal } = early;
  assert.not(signal.aborted);
  assert.is(early.signal, signal);
  deadlines.expireDue(100);
  assert.ok(signal.aborted);
  assert.ok(late.signal.aborted);
});

test('expiring twice tells once', () => {
  const deadline = open(new Deadlines(100, 1), 0);
  const told: number[] = [];
  deadline.watch(() => told.push(1));
  deadline.expire();
  deadline.watch(() => told.push(2));
  deadline.expire();
  assert.equal(told, [1]);
});

test.run();

import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { DeadlineTable, type Deadline } from './deadlines.js';

function open(deadlines: DeadlineTable, now: number): Deadline {
  const deadline = deadlines.open(now);
  if (deadline === null) throw new Error('at the bound');
  return deadline;
}

test('expireDue expires deadlines in order when they are due, and calls their watchers', () => {
  const deadlines = new DeadlineTable(100, 10);
  assert.is(deadlines.nextExpiry, null);
  const [one, two] = [open(deadlines, 0), open(deadlines, 10)];
  const expired: string[] = [];
  one.setOnExpire(() => expired.push('one'));
  two.setOnExpire(() => expired.push('two'));
  assert.is(deadlines.nextExpiry, 100);
  deadlines.expireDue(99);
  assert.equal(expired, []);
  deadlines.expireDue(100);
  assert.equal(expired, ['one']);
  assert.equal([one.isExpired, two.isExpired], [true, false]);
  assert.is(deadlines.nextExpiry, 110);
  deadlines.expireDue(200);
  assert.equal(expired, ['one', 'two']);
  assert.is(deadlines.size, 0);
});

test('close prevents the expiry of a deadline', () => {
  const deadlines = new DeadlineTable(100, 10);
  const deadline = open(deadlines, 0);
  deadline.setOnExpire(() => assert.unreachable());
  deadlines.close(deadline);
  deadlines.expireDue(1000);
  assert.not(deadline.isExpired);
});

test('open returns null at the bound until a deadline is closed', () => {
  const deadlines = new DeadlineTable(100, 1);
  const deadline = open(deadlines, 0);
  assert.is(deadlines.open(0), null);
  deadlines.close(deadline);
  assert.is.not(deadlines.open(0), null);
});

test('signal is aborted on expiry, also if first read afterwards', () => {
  const deadlines = new DeadlineTable(100, 10);
  const [early, late] = [open(deadlines, 0), open(deadlines, 0)];
  const { signal } = early;
  assert.not(signal.aborted);
  assert.is(early.signal, signal);
  deadlines.expireDue(100);
  assert.ok(signal.aborted);
  assert.ok(late.signal.aborted);
});

test('expire calls the watcher only once', () => {
  const deadline = open(new DeadlineTable(100, 1), 0);
  const calls: number[] = [];
  deadline.setOnExpire(() => calls.push(1));
  deadline.expire();
  deadline.setOnExpire(() => calls.push(2));
  deadline.expire();
  assert.equal(calls, [1]);
});

test.run();

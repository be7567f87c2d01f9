import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { LeaderTracker } from './leader-tracker.js';

test('a replica leads that says so of itself', () => {
  const board = new LeaderTracker();
  assert.is(board.leader, null);
  assert.not(board.certain);
  board.report('b', '2', '1', 3);
  assert.is(board.leader, null, 'hearsay names no link');
  board.report('a', '1', '1', 3);
  assert.equal(board.leader, { replica: 'a', id: '1', term: 3 });
  assert.ok(board.certain);
});

test('the highest term wins, in whatever order it is heard', () => {
  for (const order of [0, 1]) {
    const board = new LeaderTracker();
    const reports = [() => board.report('a', '1', '1', 3), () => board.report('b', '2', '2', 4)];
    reports[order]?.();
    reports[1 - order]?.();
    assert.equal(board.leader, { replica: 'b', id: '2', term: 4 });
  }
});

test('a claim is void once another is known to lead in a higher term', () => {
  const board = new LeaderTracker();
  board.report('a', '1', '1', 3);
  board.report('b', '2', '3', 4);
  assert.is(board.leader, null);
});

test('a higher term without a leader changes nothing: a candidate may be alone with it', () => {
  const board = new LeaderTracker();
  board.report('a', '1', '1', 3);
  board.report('b', '2', null, 9);
  assert.equal(board.leader, { replica: 'a', id: '1', term: 3 });
});

test('a closed link and a word of stepping down end a claim', () => {
  const board = new LeaderTracker();
  board.report('a', '1', '1', 3);
  board.forget('a');
  assert.is(board.leader, null);
  board.report('a', '1', '1', 3);
  board.report('a', '1', null, 3);
  assert.is(board.leader, null);
});

test('a suspected claim counts only while no other replica claims to lead, until it is repeated', () => {
  const board = new LeaderTracker();
  board.suspect('a');
  board.report('a', '1', '1', 3);
  board.suspect('a');
  assert.equal(board.leader, { replica: 'a', id: '1', term: 3 });
  assert.not(board.certain);
  board.report('b', '2', '2', 2);
  assert.equal(board.leader, { replica: 'b', id: '2', term: 2 });
  board.report('a', '1', '1', 5);
  assert.equal(board.leader, { replica: 'a', id: '1', term: 5 });
  assert.ok(board.certain);
});

test.run();

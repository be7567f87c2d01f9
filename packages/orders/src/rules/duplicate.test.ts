/** When a replica takes itself for the copy of another one. */
import type { TransportEvent } from '@trireme/raft';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DUPLICATE_MS, DuplicateRule } from './duplicate.js';
import { PeerLinks } from './peer-links.js';

const refused: TransportEvent = {
  ...{
    type: 'dialFailed',
    peer: '1',
    code: 'DIAL_REFUSED',
    message: 'two processes say that they are member 2',
  },
  status: 'DUPLICATE_MEMBER',
};
const linked = (direction: 'in' | 'out', peer = '1'): TransportEvent => ({
  type: 'connected',
  peer,
  direction,
});

test('one that is refused as a copy, and to whom no one sends anything, is one after a while', () => {
  const rule = new DuplicateRule();
  const links = new PeerLinks();
  assert.not.ok(rule.isRefused);
  rule.event(refused, 0);
  rule.event(refused, 1_000);
  assert.ok(rule.isRefused);
  assert.is(rule.verdict(links, DUPLICATE_MS - 1), null);
  assert.match(rule.verdict(links, DUPLICATE_MS) ?? '', 'two processes');
});

test('one that a peer sends to is none: another peer has a wrong address', () => {
  const rule = new DuplicateRule();
  const links = new PeerLinks();
  rule.event(refused, 0);
  links.event(linked('in', '3'));
  assert.is(rule.verdict(links, DUPLICATE_MS), null);
});

test('who is taken again, or cannot be reached any more, has refused nothing', () => {
  for (const event of [linked('out'), { ...refused, code: 'DIAL_FAILED', status: null } as TransportEvent]) {
    const rule = new DuplicateRule();
    rule.event(refused, 0);
    rule.event(event, 10);
    assert.not.ok(rule.isRefused);
    assert.is(rule.verdict(new PeerLinks(), DUPLICATE_MS), null);
  }
});

test.run();

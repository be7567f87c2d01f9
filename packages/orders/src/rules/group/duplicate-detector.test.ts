/** When a replica assumes that it runs on a copy of another replica's folder. */
import type { TransportEvent } from '@trireme/raft/http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DUPLICATE_MS, DuplicateDetector } from './duplicate-detector.js';
import { PeerLinks } from './peer-links.js';

const refused: TransportEvent = {
  type: 'dialFailed',
  peer: '1',
  code: 'DIAL_REFUSED',
  message: 'two processes claim to be member 2',
  status: 'DUPLICATE_MEMBER',
};
const linked = (direction: 'in' | 'out', peer = '1'): TransportEvent => ({
  type: 'connected',
  peer,
  direction,
  version: 12,
});

test('duplicateReason: a refused process without inbound links is a copy after some time', () => {
  const rule = new DuplicateDetector();
  const links = new PeerLinks();
  assert.not.ok(rule.isRefused);
  rule.onEvent(refused, 0);
  rule.onEvent(refused, 1_000);
  assert.ok(rule.isRefused);
  assert.is(rule.duplicateReason(links, DUPLICATE_MS - 1), null);
  assert.match(rule.duplicateReason(links, DUPLICATE_MS) ?? '', 'two processes');
});

test('duplicateReason: a refused process with an inbound link is not a copy', () => {
  const rule = new DuplicateDetector();
  const links = new PeerLinks();
  rule.onEvent(refused, 0);
  links.onEvent(linked('in', '3'));
  assert.is(rule.duplicateReason(links, DUPLICATE_MS), null);
});

test('onEvent: a successful or failed dial ends the refusal', () => {
  for (const event of [linked('out'), { ...refused, code: 'DIAL_FAILED', status: null } as TransportEvent]) {
    const rule = new DuplicateDetector();
    rule.onEvent(refused, 0);
    rule.onEvent(event, 10);
    assert.not.ok(rule.isRefused);
    assert.is(rule.duplicateReason(new PeerLinks(), DUPLICATE_MS), null);
  }
});

test.run();

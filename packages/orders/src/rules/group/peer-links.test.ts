import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PeerLinks } from './peer-links.js';

test('stateOf a peer tells open inbound and outbound links apart', () => {
  const links = new PeerLinks();
  assert.equal(links.stateOf('2'), { inbound: false, outbound: false });
  links.onEvent({ type: 'connected', peer: '2', direction: 'out', version: 12 });
  assert.equal(links.stateOf('2'), { inbound: false, outbound: true });
  assert.equal(links.open, [{ peer: '2', direction: 'out' }]);
  links.onEvent({ type: 'connected', peer: '2', direction: 'in', version: 12 });
  links.onEvent({ type: 'disconnected', peer: '2', direction: 'out' });
  assert.equal(links.stateOf('2'), { inbound: true, outbound: false });
  links.onEvent({ type: 'dropped' });
  assert.equal(links.stateOf('3'), { inbound: false, outbound: false });
});

test('versionOf is the version of the open link to a peer', () => {
  const links = new PeerLinks();
  assert.is(links.versionOf('2'), null);
  links.onEvent({ type: 'connected', peer: '2', direction: 'in', version: 12 });
  assert.is(links.versionOf('2'), null, 'its own dialer may still present another version');
  links.onEvent({ type: 'connected', peer: '2', direction: 'out', version: 11 });
  assert.is(links.versionOf('2'), 11);
  links.onEvent({ type: 'disconnected', peer: '2', direction: 'out' });
  assert.is(links.versionOf('2'), null);
  links.onEvent({ type: 'connected', peer: '2', direction: 'out', version: 12 });
  assert.is(links.versionOf('2'), 12);
});

test('an inbound link stays open if a replaced link closes after the new one opened', () => {
  const links = new PeerLinks();
  links.onEvent({ type: 'connected', peer: '2', direction: 'in', version: 12 });
  links.onEvent({ type: 'connected', peer: '2', direction: 'in', version: 12 });
  links.onEvent({ type: 'disconnected', peer: '2', direction: 'in' });
  assert.ok(links.stateOf('2').inbound);
  links.onEvent({ type: 'disconnected', peer: '2', direction: 'in' });
  links.onEvent({ type: 'disconnected', peer: '2', direction: 'in' });
  links.onEvent({ type: 'connected', peer: '2', direction: 'in', version: 12 });
  assert.ok(links.stateOf('2').inbound);
});

test.run();

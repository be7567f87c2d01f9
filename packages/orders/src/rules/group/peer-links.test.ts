import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PeerLinks } from './peer-links.js';

test('a peer is heard on inbound links, and told on outbound ones', () => {
  const links = new PeerLinks();
  assert.equal(links.stateOf('2'), { heard: false, told: false });
  links.onEvent({ type: 'connected', peer: '2', direction: 'out' });
  assert.equal(links.stateOf('2'), { heard: false, told: true });
  assert.equal(links.open, [{ peer: '2', direction: 'out' }]);
  links.onEvent({ type: 'connected', peer: '2', direction: 'in' });
  links.onEvent({ type: 'disconnected', peer: '2', direction: 'out' });
  assert.equal(links.stateOf('2'), { heard: true, told: false });
  links.onEvent({ type: 'dropped' });
  assert.equal(links.stateOf('3'), { heard: false, told: false });
});

test('a peer stays heard if a replaced link closes after the new one opened', () => {
  const links = new PeerLinks();
  links.onEvent({ type: 'connected', peer: '2', direction: 'in' });
  links.onEvent({ type: 'connected', peer: '2', direction: 'in' });
  links.onEvent({ type: 'disconnected', peer: '2', direction: 'in' });
  assert.ok(links.stateOf('2').heard);
  links.onEvent({ type: 'disconnected', peer: '2', direction: 'in' });
  links.onEvent({ type: 'disconnected', peer: '2', direction: 'in' });
  links.onEvent({ type: 'connected', peer: '2', direction: 'in' });
  assert.ok(links.stateOf('2').heard);
});

test.run();

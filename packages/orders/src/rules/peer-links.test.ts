import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PeerLinks } from './peer-links.js';

test('a peer is heard on links that it dialed, and told on those that were dialed to it', () => {
  const links = new PeerLinks();
  assert.equal(links.of('2'), { heard: false, told: false });
  links.event({ type: 'connected', peer: '2', direction: 'out' });
  assert.equal(links.of('2'), { heard: false, told: true });
  assert.equal(links.open, [{ peer: '2', direction: 'out' }]);
  links.event({ type: 'connected', peer: '2', direction: 'in' });
  links.event({ type: 'disconnected', peer: '2', direction: 'out' });
  assert.equal(links.of('2'), { heard: true, told: false });
  links.event({ type: 'dropped' });
  assert.equal(links.of('3'), { heard: false, told: false });
});

test('a link that was replaced closes after the new one has opened, and the peer stays heard', () => {
  const links = new PeerLinks();
  links.event({ type: 'connected', peer: '2', direction: 'in' });
  links.event({ type: 'connected', peer: '2', direction: 'in' });
  links.event({ type: 'disconnected', peer: '2', direction: 'in' });
  assert.ok(links.of('2').heard);
  links.event({ type: 'disconnected', peer: '2', direction: 'in' });
  links.event({ type: 'disconnected', peer: '2', direction: 'in' });
  links.event({ type: 'connected', peer: '2', direction: 'in' });
  assert.ok(links.of('2').heard);
});

test.run();

/** One hostile connection: performs the steps of an attack, and observes the reaction of the server. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FIN, WAIT_FOR_UPGRADE, type Attack, type AttackOutcome, type AttackStep } from './attack.js';

/** Longer than the timeout of every port. */
const TIMEOUT_MS = 30_000;

const PROBE_MS = 500;

/** Only the beginning of an answer is kept. */
const KEPT_BYTES_MAX = 64 * 1024;

export async function runAttack(
  port: number,
  {
    steps,
    timeoutMs = TIMEOUT_MS,
    readsNothing = false,
  }: Pick<Attack, 'steps' | 'timeoutMs' | 'readsNothing'>,
): Promise<AttackOutcome> {
  const startedAt = performance.now();
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    if (text.length < KEPT_BYTES_MAX) text += chunk.toString('latin1');
  });
  if (readsNothing) socket.pause();
  // A client that reads nothing notices the end of the connection only when it writes.
  const probe = readsNothing ? setInterval(() => socket.write('\r\n'), PROBE_MS) : undefined;
  const ended = new Promise<void>((resolve) => {
    // A reset by the server also counts as an end.
    socket.once('error', () => resolve());
    socket.once('end', () => resolve());
    socket.once('close', () => resolve());
  });
  const state = { isEnded: false };
  void ended.then(() => (state.isEnded = true));
  for (const step of steps) {
    if (state.isEnded) break;
    await Promise.race([perform(socket, step, () => text), ended]);
  }
  const timer = new AbortController();
  await Promise.race([ended, delay(timeoutMs, null, { signal: timer.signal }).catch(() => null)]);
  const isDisconnected = state.isEnded;
  timer.abort();
  clearInterval(probe);
  socket.destroy();
  return { codes: codesIn(text), isDisconnected, tookMs: performance.now() - startedAt };
}

async function perform(socket: Socket, step: AttackStep, received: () => string): Promise<void> {
  if (step === FIN) {
    socket.end();
  } else if (step === WAIT_FOR_UPGRADE) {
    while (!received().includes('\r\n\r\n')) await delay(2);
  } else if (typeof step === 'number') {
    await delay(step);
  } else {
    await new Promise<void>((resolve) => socket.write(step, () => resolve()));
  }
}

function codesIn(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));
}

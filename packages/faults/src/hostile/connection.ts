/** One hostile connection: does its steps, and sees what the server does about them. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { FIN, UPGRADED, type Attack, type Outcome, type Step } from './attack.js';

/** Longer than every port waits for what is under way. */
const PATIENCE_MS = 30_000;

const PROBE_MS = 500;

/** Of an answer, only its beginning is looked at. */
const KEPT_BYTES_MAX = 64 * 1024;

export async function attackPort(
  port: number,
  { steps, patienceMs = PATIENCE_MS, isDeaf = false }: Pick<Attack, 'steps' | 'patienceMs' | 'isDeaf'>,
): Promise<Outcome> {
  const startedAt = performance.now();
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    if (text.length < KEPT_BYTES_MAX) text += chunk.toString('latin1');
  });
  if (isDeaf) socket.pause();
  // Who reads nothing learns of the end by what it sends.
  const probe = isDeaf ? setInterval(() => socket.write('\r\n'), PROBE_MS) : undefined;
  const over = new Promise<void>((resolve) => {
    // A reset is as good an end as any: the server does not want to hear more.
    socket.once('error', () => resolve());
    socket.once('end', () => resolve());
    socket.once('close', () => resolve());
  });
  const state = { isOver: false };
  void over.then(() => (state.isOver = true));
  for (const step of steps) {
    if (state.isOver) break;
    await Promise.race([perform(socket, step, () => text), over]);
  }
  const patience = new AbortController();
  await Promise.race([over, delay(patienceMs, null, { signal: patience.signal }).catch(() => null)]);
  const isCut = state.isOver;
  patience.abort();
  clearInterval(probe);
  socket.destroy();
  return { codes: codesIn(text), isCut, tookMs: performance.now() - startedAt };
}

async function perform(socket: Socket, step: Step, heard: () => string): Promise<void> {
  if (step === FIN) {
    socket.end();
  } else if (step === UPGRADED) {
    while (!heard().includes('\r\n\r\n')) await delay(2);
  } else if (typeof step === 'number') {
    await delay(step);
  } else {
    await new Promise<void>((resolve) => socket.write(step, () => resolve()));
  }
}

function codesIn(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));
}

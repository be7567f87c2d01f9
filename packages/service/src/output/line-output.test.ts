import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LineBuffer } from '../rules/line-buffer.js';
import { until } from '../testing/links.js';
import { LineOutput, linesLost, type LineSink } from './line-output.js';

type Answer = number | string;

/** Takes so many bytes at a time, or fails with a code, as it is told; all at once when it was told nothing. */
class FakeSink implements LineSink {
  text = '';
  readonly answers: Answer[] = [];

  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void {
    try {
      done(null, this.writeNow(bytes));
    } catch (error) {
      done(error as NodeJS.ErrnoException, 0);
    }
  }

  writeNow(bytes: Uint8Array): number {
    const answer = this.answers.shift() ?? bytes.length;
    if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer });
    const taken = bytes.subarray(0, answer);
    this.text += Buffer.from(taken).toString();
    return taken.length;
  }
}

const describeLost = (lines: number): string => `${lines} lost`;

test('lines that find no room are counted where they are missing', () => {
  const buffer = new LineBuffer(10, describeLost);
  for (const line of ['12345', '6789', 'too long', 'also', '0']) buffer.push(line);
  assert.is(buffer.take(), '12345\n6789\n2 lost\n0\n');
  assert.is(buffer.lost, 2);
  assert.ok(buffer.isEmpty);
  buffer.push('longer than all the room');
  assert.not.ok(buffer.isEmpty);
  assert.is(buffer.take(), '1 lost\n');
  assert.is(buffer.take(), '');
});

test('lines of one turn are written together, in order, however little is taken at a time', async () => {
  const sink = new FakeSink();
  const output = new LineOutput(sink, describeLost);
  sink.answers.push(3, 1, 'EAGAIN', 2);
  for (const line of ['first', 'second']) output.write(line);
  assert.is(sink.text, '');
  await until(() => sink.text === 'first\nsecond\n', 'both lines');
  output.write('third');
  await output.close();
  output.write('late');
  await output.close();
  assert.is(sink.text, 'first\nsecond\nthird\n');
});

test('what is not taken waits within bounds, and is written once it is', async () => {
  const sink = new FakeSink();
  const output = new LineOutput(sink, describeLost);
  const before = linesLost();
  sink.answers.push('EAGAIN', 'EAGAIN');
  const line = 'x'.repeat(1023);
  for (let i = 0; i < 1_500; i++) output.write(line);
  assert.is(output.lost, 475);
  assert.is(linesLost() - before, 475);
  await until(() => sink.text.endsWith('475 lost\n'), 'the lines');
  assert.is(sink.text.split('\n').length, 1_025 + 2);
  await output.close();
});

test('a disk without room is tried again', async () => {
  const sink = new FakeSink();
  const output = new LineOutput(sink, describeLost);
  sink.answers.push('ENOSPC');
  output.write('kept');
  await until(() => sink.text === 'kept\n', 'the line');
  await output.close();
});

test('where nobody will read any more, nothing is kept', async () => {
  const sink = new FakeSink();
  const output = new LineOutput(sink, describeLost);
  sink.answers.push('EPIPE');
  output.write('unheard');
  await output.close();
  output.write('unheard, too');
  output.writeLast(performance.now());
  assert.is(sink.text, '');
});

test('a process that ends writes what waits, and gives up on who does not read', () => {
  const sink = new FakeSink();
  const output = new LineOutput(sink, describeLost);
  sink.answers.push('EAGAIN', 4);
  output.write('last words');
  output.writeLast(performance.now() + 1_000);
  assert.is(sink.text, 'last words\n');
  sink.answers.push(...Array.from({ length: 50 }, () => 'EAGAIN'));
  output.write('unheard');
  const startedAt = performance.now();
  output.writeLast(startedAt + 20);
  assert.ok(performance.now() - startedAt < 5_000);
  assert.is(sink.text, 'last words\n');
});

test.run();

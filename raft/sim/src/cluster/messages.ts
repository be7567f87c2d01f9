/** Text and hash input of messages for the trace. */
import type { Message } from '@trireme/raft';

/** Two numbers that distinguish a message from most others, for the hash of the trace. */
export function numbersOf(message: Message): readonly [number, number] {
  const a = message.term * 64 + message.type.length;
  switch (message.type) {
    case 'appendRequest':
      return [a, message.prevIndex * 1024 + message.entries.length];
    case 'appendAccepted':
      return [a, message.match];
    case 'appendRejected':
      return [a, message.prevIndex * 1024 + message.hintIndex];
    case 'heartbeat':
      return [a, message.commit * 1024 + message.round];
    default:
      return [a, message.to.length];
  }
}

/** Describes a message in one line. */
export function describe(message: Message): string {
  const { type, from, to, term, ...payload } = message;
  const fields = Object.entries(payload).map(([name, value]) => `${name} ${show(value)}`);
  return [`${from}>${to}`, type, `term ${term}`, ...fields].join(' ');
}

function show(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  const entries = value as readonly { index: number; term: number }[];
  const first = entries[0];
  const last = entries.at(-1);
  if (first === undefined || last === undefined) return 'none';
  return `${first.index}..${last.index} of terms ${first.term}..${last.term}`;
}

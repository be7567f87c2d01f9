/** What a parameter's schema admits, in words for people. Pure. */
import type { JsonSchema } from '@trireme/domain';

/** Such as `whole number from 1 to 1000, 100 unless given`. Of a pattern it tells nothing: the document has it. */
export function wordsOf(schema: JsonSchema): string {
  const { type, minimum, maximum, minLength, maxLength } = schema;
  const kind = type === 'integer' ? 'whole number' : 'text';
  const bounds =
    type === 'integer' ? between('from', minimum, maximum) : withUnit(between('of', minLength, maxLength));
  const given = schema['default'] === undefined ? '' : `, ${JSON.stringify(schema['default'])} unless given`;
  return `${kind}${bounds}${given}`;
}

function between(word: string, min: unknown, max: unknown): string {
  if (min === undefined) return max === undefined ? '' : ` ${word} at most ${JSON.stringify(max)}`;
  return max === undefined
    ? ` ${word} ${JSON.stringify(min)}`
    : ` ${word} ${JSON.stringify(min)} to ${JSON.stringify(max)}`;
}

function withUnit(bounds: string): string {
  return bounds === '' ? '' : `${bounds} characters`;
}

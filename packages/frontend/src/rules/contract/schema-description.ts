/** Describes the schema of a parameter in plain English. */
import type { JsonSchema } from '@trireme/domain';

/** For example `integer from 1 to 1000, default 100`. Patterns are left out: the OpenAPI document has them. */
export function describeSchema(schema: JsonSchema): string {
  const { type, minimum, maximum, minLength, maxLength } = schema;
  const kind = type === 'integer' ? 'integer' : 'text';
  const bounds =
    type === 'integer' ? between('from', minimum, maximum) : withUnit(between('of', minLength, maxLength));
  const fallback = schema['default'] === undefined ? '' : `, default ${JSON.stringify(schema['default'])}`;
  return `${kind}${bounds}${fallback}`;
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

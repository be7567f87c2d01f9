/** Hono's HTML templates, which escape their values, without asynchronous parts. */
import { html as template } from 'hono/html';

export type Markup = Exclude<ReturnType<typeof template>, Promise<unknown>>;

/** @returns the markup. @throws TypeError if a part is a promise. */
export function html(strings: TemplateStringsArray, ...parts: unknown[]): Markup {
  const made = template(strings, ...parts);
  if (made instanceof Promise) throw new TypeError('a part of the HTML template is a promise');
  return made;
}

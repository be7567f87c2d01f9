/** Hono's templates, which escape what is put into them, for pages whose parts are all at hand. */
import { html as template } from 'hono/html';

export type Markup = Exclude<ReturnType<typeof template>, Promise<unknown>>;

/** @returns the markup. @throws TypeError if a part of it has yet to come. */
export function html(strings: TemplateStringsArray, ...parts: unknown[]): Markup {
  const made = template(strings, ...parts);
  if (made instanceof Promise) throw new TypeError('a part of the page is a promise');
  return made;
}

/** Reads an origin from the command line. */
import { UsageError } from '@trireme/service';

/** An origin as browsers send it, or `*`. @throws UsageError for anything else. */
export function parseOrigin(text: string): string {
  if (text === '*') return text;
  const origin = URL.canParse(text) ? new URL(text).origin : null;
  if (origin !== text || !/^https?:/.test(text)) {
    throw new UsageError(`not an origin as in https://shop.example, without a path: ${text}`);
  }
  return text;
}

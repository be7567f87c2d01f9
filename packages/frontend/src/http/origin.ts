/** Parses the origin given on the command line. */
import { UsageError } from '@trireme/service';

/** Parses an origin as browsers send it, or `*`. @throws UsageError for anything else. */
export function parseOrigin(text: string): string {
  if (text === '*') return text;
  const origin = URL.canParse(text) ? new URL(text).origin : null;
  if (origin !== text || !/^https?:/.test(text)) {
    throw new UsageError(
      `invalid origin: ${text}: give a scheme, host and port without a path, for example https://shop.example`,
    );
  }
  return text;
}

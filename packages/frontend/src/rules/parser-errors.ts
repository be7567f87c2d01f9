/** What the HTTP parser refuses, in the words of the contract. */
import { TriremeError } from '@trireme/domain';

/** @param code error code of Node's HTTP server, such as `HPE_INVALID_METHOD`. */
export function parserError(code: string | undefined): TriremeError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new TriremeError('HEADERS_TOO_LARGE', 'headers: too large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new TriremeError('BODY_TOO_LARGE', 'body: chunk extensions too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new TriremeError('REQUEST_TIMEOUT', 'the request did not arrive in time');
    default:
      return new TriremeError('INVALID_REQUEST', 'this is not a valid HTTP request');
  }
}

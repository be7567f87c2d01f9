/** Maps errors of Node's HTTP parser to errors of the contract. */
import { TriremeError } from '@trireme/domain';

/** @param code error code of Node's HTTP server, such as `HPE_INVALID_METHOD`. */
export function toContractError(code: string | undefined): TriremeError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new TriremeError('HEADERS_TOO_LARGE', 'headers: the request line and headers are too large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new TriremeError('BODY_TOO_LARGE', 'body: chunk extensions are too large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new TriremeError('REQUEST_TIMEOUT', 'the request did not arrive in time');
    default:
      return new TriremeError('INVALID_REQUEST', 'malformed HTTP request');
  }
}

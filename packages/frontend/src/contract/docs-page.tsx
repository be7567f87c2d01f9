/** The contract as a static HTML page without scripts. */
import type { JSX } from 'hono/jsx/jsx-runtime';
import { renderToString } from 'hono/jsx/dom/server';
import { apiSchemas, HTTP_STATUS_OF, type ApiSchemaName, type ErrorStatus } from '@trireme/domain';
import { COMMON_ERRORS, OPERATIONS, type Operation } from '../rules/contract/operations.js';
import { PARAMETERS, type OpenApiParameter } from '../rules/contract/openapi.js';
import { describeSchema } from '../rules/contract/schema-description.js';

const SCHEMAS = apiSchemas();

const TITLES: Readonly<Record<Operation['tag'], string>> = {
  stocks: 'Stocks',
  orders: 'Orders',
  pages: 'Pages',
  monitoring: 'Monitoring',
};

const TAGS = ['orders', 'stocks', 'pages', 'monitoring'] as const;

/** Text with code between backticks, as in the descriptions of the OpenAPI document. */
const Text = ({ text = '' }: { readonly text?: string | undefined }): JSX.Element => (
  <>{text.split('`').map((part, i): JSX.Element => (i % 2 === 0 ? <>{part}</> : <code>{part}</code>))}</>
);

const Parameter = ({ name, in: place, description, schema }: OpenApiParameter): JSX.Element => (
  <tr>
    <th scope="row">
      <code>{name}</code>
    </th>
    <td>{place}</td>
    <td>
      <Text text={description} /> <span class="constraint">{describeSchema(schema)}</span>
    </td>
  </tr>
);

const Parameters = ({ parameters = [] }: Operation): JSX.Element => (
  <table>
    <thead>
      <tr>
        <th scope="col">Parameter</th>
        <th scope="col">In</th>
        <th scope="col">Description</th>
      </tr>
    </thead>
    <tbody>
      {parameters.map((name): JSX.Element => (
        <Parameter {...PARAMETERS[name]} />
      ))}
    </tbody>
  </table>
);

const Schema = ({ name }: { readonly name: ApiSchemaName }): JSX.Element => (
  <details>
    <summary>
      Schema <code>{name}</code>
    </summary>
    <pre tabindex={0}>{JSON.stringify(SCHEMAS[name], null, 2)}</pre>
  </details>
);

const Errors = ({ statuses }: { readonly statuses: readonly ErrorStatus[] }): JSX.Element => (
  <p class="statuses">
    {statuses.map((status): JSX.Element => (
      <code>
        {HTTP_STATUS_OF[status]} {status}
      </code>
    ))}
  </p>
);

const OperationCard = (operation: Operation): JSX.Element => {
  const { id, method, path, summary, description, body, response, errors, parameters = [] } = operation;
  const statuses = [...(operation.requiresOperator === true ? (['UNAUTHORIZED'] as const) : []), ...errors];
  return (
    <article class="card" id={id}>
      <h3>
        <span class={`method ${method}`}>{method.toUpperCase()}</span> <code>{path}</code>
      </h3>
      <p>
        {summary}. <Text text={description} />
      </p>
      {operation.requiresOperator === true && (
        <p>
          Requires the operator token: <code>Authorization: Bearer …</code>
        </p>
      )}
      {parameters.length > 0 && <Parameters {...operation} />}
      {body !== undefined && (
        <div>
          <h4>Body</h4>
          <Schema name={body} />
        </div>
      )}
      <h4>Responses 200{operation.supportsConditional === true ? ', 304' : ''}</h4>
      <p>
        <Text text={response.description} />{' '}
        {response.mediaType !== undefined && <code>{response.mediaType}</code>}
      </p>
      {response.schema !== undefined && <Schema name={response.schema} />}
      {statuses.length > 0 && (
        <div>
          <h4>Errors</h4>
          <Errors statuses={statuses} />
        </div>
      )}
    </article>
  );
};

const EXAMPLE = `curl -i http://localhost:8080/orders -H 'content-type: application/json' \\
  -H 'idempotency-key: my-order-7' -d '{"name":"AAPL","type":"buy","quantity":1}'`;

const DocsPage = (): JSX.Element => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>Trireme API</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
      <link rel="stylesheet" href="/assets/dashboard.css" />
      <link rel="stylesheet" href="/assets/docs.css" />
    </head>
    <body class="docs">
      <header>
        <h1>
          <img src="/assets/icon.svg" alt="" width="28" height="28" /> Trireme API
        </h1>
        <nav aria-label="More">
          <a href="/">Dashboard</a> <a href="/openapi.json">OpenAPI 3.1</a>
        </nav>
      </header>
      <nav class="card contents" aria-label="Operations">
        {OPERATIONS.map(({ id, method, path }): JSX.Element => (
          <a href={`#${id}`}>
            <span class={`method ${method}`}>{method.toUpperCase()}</span> <code>{path}</code>
          </a>
        ))}
      </nav>
      <main class="text">
        <section class="card">
          <h2>Overview</h2>
          <p>
            Requests and responses are JSON. Errors are JSON too, with a stable <code>status</code> for
            programs, and every request is answered within its deadline. Requests with the same{' '}
            <code>Idempotency-Key</code> make one order, however often they are sent.
          </p>
          <pre tabindex={0}>{EXAMPLE}</pre>
          <p>Every operation may also return these errors:</p>
          <Errors statuses={COMMON_ERRORS} />
          <p>
            An unknown path returns 404 <code>ROUTE_NOT_FOUND</code>, an unsupported method 405{' '}
            <code>METHOD_NOT_ALLOWED</code> with <code>Allow</code>.
          </p>
        </section>
        {TAGS.map((tag): JSX.Element => (
          <section aria-label={TITLES[tag]}>
            <h2>{TITLES[tag]}</h2>
            {OPERATIONS.filter((operation) => operation.tag === tag).map((operation): JSX.Element => (
              <OperationCard {...operation} />
            ))}
          </section>
        ))}
      </main>
    </body>
  </html>
);

/** The page as HTML. */
export function docsPage(): string {
  return `<!doctype html>${renderToString(<DocsPage />)}`;
}

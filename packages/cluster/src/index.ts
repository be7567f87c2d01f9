export {
  readClusterFile,
  CLUSTER_FILE,
  type ClusterFile,
  type ProcessEntry,
  type Role,
} from './cluster-file.js';
export type { ControlAnswer, KilledProcess, ProcessLook } from './control/protocol.js';
export { serveControl, type Steered } from './control/server.js';
export { readSecret, OPERATOR_TOKEN_FILE, SECRET_FILE } from './data-folder.js';
export { ClusterError, type ClusterErrorCode } from './errors.js';
export { HostNetwork, whyNoHosts } from './hosts/host-network.js';
export type { ClusterOptions } from './cluster-options.js';
export { InternalCalls, type CallAnswer, type CallIdentity } from './internal-calls.js';
export { Probe } from './probe.js';
export { LocalCluster } from './local-cluster.js';
export { ManagedProcess } from './managed-process.js';
export { NODE_FLAGS } from './node-flags.js';
export type { ProcessExit } from './members.js';
export { catalogNumber, parseTarget, type Target } from './rules/target.js';
export { operatorTls } from './tls-folder.js';
export { parseCatalogs, type Catalog, type CatalogSet } from './rules/catalogs.js';
export { findFreeBasePort } from './free-ports.js';
export {
  LAG_MAX,
  lagOf,
  nextStep,
  parseGroup,
  type ChangePart,
  type Goal,
  type Group,
  type GroupMember,
  type Step,
} from './rules/regrouping.js';

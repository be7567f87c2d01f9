export {
  readClusterFile,
  CLUSTER_FILE,
  type ClusterFile,
  type ProcessEntry,
  type ProcessRole,
} from './data/cluster-file.js';
export { ControlClient, ControlError } from './control/client.js';
export type { ControlResponse, KilledProcess, ProcessState } from './control/protocol.js';
export { serveControl, type ControllableCluster } from './control/server.js';
export {
  beginNewCluster,
  completeNewCluster,
  readClusterName,
  readSecret,
  secretSource,
  OPERATOR_TOKEN_FILE,
  SECRET_FILE,
} from './data/data-folder.js';
export { newClusterName, SUFFIX_BYTES } from './rules/cluster-name.js';
export { ClusterError, type ClusterErrorCode } from './errors.js';
export { HostNetwork, hostNetworkProblem } from './hosts/host-network.js';
export type { ClusterOptions } from './cluster-options.js';
export { InternalClient, type InternalResponse, type InternalCredentials } from './ports/internal-client.js';
export { Probe } from './ports/probe.js';
export { LocalCluster } from './local-cluster.js';
export { ManagedProcess } from './processes/managed-process.js';
export { NODE_FLAGS } from './processes/node-flags.js';
export type { ClusterProcessExit } from './processes/supervised-processes.js';
export { catalogNumber, parseTarget, type Target } from './rules/target.js';
export { operatorTls } from './data/tls-folder.js';
export { parseCatalogSet, type CatalogState, type CatalogSetState } from './rules/catalogs.js';
export { findFreeBasePort } from './ports/free-ports.js';
export {
  CAUGHT_UP_LAG_MAX,
  lagOf,
  nextMembershipStep,
  parseGroupState,
  type MembershipChange,
  type MembershipGoal,
  type GroupState,
  type GroupMember,
  type MembershipStep,
} from './rules/membership-plan.js';
export type { LogLevel } from './rules/log-line.js';
export { isRecord } from './rules/is-record.js';

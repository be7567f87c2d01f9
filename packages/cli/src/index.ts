export { DATA_DEFAULT, resolveUserPath, runScript } from './command-line.js';
export { GroupClient } from './group/group-client.js';
export { transferLeadership } from './group/members.js';
export { formatStatus, groupStatus } from './group/status.js';
export { formatTable } from './table.js';

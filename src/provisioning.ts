export { dismissChange, failedChanges, provision, type FailedChangesQuery, type Provisioning } from './features/provisioning/functions.js';
export type { DesiredState, HeldOutside, ProvisioningTarget } from './features/provisioning/options.js';
export type { ProvisioningDrift, ProvisioningReport } from './features/provisioning/provisioner.js';
export type { ProvisioningChange, ProvisioningOutcome } from './records/index.js';

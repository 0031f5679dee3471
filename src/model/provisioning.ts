/** A provisioning change: the last change of one external system for one subject and one scope, and its outcome. */
export interface ProvisioningChange {
  /** The kind of this record: always `'provisioning'`. */
  readonly kind: 'provisioning';
  /** Derived from name, subject and scope. */
  readonly id: string;
  /** The version of this record. Each change increments it. */
  readonly version: number;
  /** The name of the provisioning target. */
  readonly name: string;
  /** The subject whose access changes. */
  readonly subject: string;
  /** The scope of the access. */
  readonly scope: string;
  /** The desired state: whether the subject holds the scope. */
  readonly held: boolean;
  /** The change's number. Every later change has a higher one. */
  readonly seq: number;
  /** When the change was recorded. Epoch milliseconds. */
  readonly intendedAt: number;
  /** The number of failed calls for this change. */
  readonly failures: number;
  /** The code or name of the last call's error. */
  readonly problem: string | undefined;
  /** From this instant on, a sweep calls the external system again. Epoch milliseconds. */
  readonly tryAt: number;
  /** When this record last changed. Epoch milliseconds. */
  readonly changedAt: number;
  /** `undefined` while the engine still tries the change. */
  readonly outcome: ProvisioningOutcome | undefined;
}

/** The outcome of a provisioning change: the external system took it, its tries are used up (`stuck`), or a person set it aside. */
export interface ProvisioningOutcome {
  /** `done`: the external system took it. `stuck`: its tries are used up. `dismissed`: a person set it aside. */
  readonly status: 'done' | 'stuck' | 'dismissed';
  /** When it was recorded. Epoch milliseconds. */
  readonly at: number;
  /** `system:provisioning`, or the person who set it aside. */
  readonly by: string;
  /** Why the person set it aside. */
  readonly reason: string | undefined;
}

/**
 * The kinds of rows that belong to features and may be due. The list is closed: a sweep in a process that does not use the
 * feature ignores such rows, and reports every other kind that it does not know.
 */
const FEATURE_KINDS = ['provisioning'] as const;

export type FeatureKind = (typeof FEATURE_KINDS)[number];

export const isFeatureKind = (kind: unknown): kind is FeatureKind => (FEATURE_KINDS as readonly unknown[]).includes(kind);

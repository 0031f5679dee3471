/** The layout of each release. */
export const LAYOUTS: Readonly<Record<string, number>> = { '0.1.0': 1 };

/*
 * What only the page of the console needs, and no entry exports.
 */
export { toCsv } from '../core/csv.js';
export { formatDuration } from '../core/duration.js';
export { isPattern, patternScopes } from '../core/scope.js';
export { lastingText } from '../core/errors/lasting.js';
export { alternativesOf } from '../records/quorum.js';
export { effectiveEnd, effectiveStart } from '../records/derived.js';

/*
 * What only the command line needs, and no entry exports.
 */
export { formatDuration } from '../core/duration.js';
export { messageOf } from '../core/errors.js';
export { lastingText } from '../core/errors/lasting.js';
export { escapeUnshown } from '../core/parse.js';
export { isSecureUrl } from '../core/secure-url.js';
export { BUILD } from '../core/shared.js';
export { sleepUntil } from '../core/timers.js';

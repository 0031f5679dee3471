/* The views of those who oversee. They share much, and so load as one file. */
export { default as BreakGlass } from './break-glass.js';
export { default as History } from './history.js';
export { default as Journal } from './journal.js';
export { default as Live } from './live.js';
export { default as Report } from './report.js';

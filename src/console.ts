export { createConsoleHandler, type ConsoleHandler } from './features/console/serve/handler.js';
export type { ConsoleMessages, ConsoleOptions, ConsoleText } from './features/console/serve/options.js';

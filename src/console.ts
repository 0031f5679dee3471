export { createConsoleHandler, type ConsoleHandler } from './features/console/serve/handler.js';
export type { ConsoleLanguage } from './features/console/serve/messages.js';
export type { ConsoleBrand } from './features/console/serve/brand.js';
export type { ConsoleMessages, ConsoleOptions, ConsoleText } from './features/console/serve/options.js';

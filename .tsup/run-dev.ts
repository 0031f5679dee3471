import { buildConsole } from './console.js';

// `npm run console`: `jit-access dev` over the sources, with the page as it is now.
Object.assign(globalThis, { JIT_ACCESS_CONSOLE: (await buildConsole())?.files });
process.argv.splice(2, 0, 'dev');
await import('../src/cli/cli.js');

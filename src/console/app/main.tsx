import { render } from 'preact';
import { App } from './frame/app.js';
import { startTicks } from './frame/clock.js';
import { optionsIn } from './frame/options.js';
import { applyPreferences } from './frame/preferences.js';
import { createRouter } from './frame/router.js';
import { createSession } from './frame/session.js';
import { watchPresses } from './parts/quiet.js';
import './style/index.css';

// The files of the page lie in `assets/` below its base, also behind a proxy that removes a prefix.
// Without the comment, Vite takes `../` for the module `src/console.ts`, and puts that file into the page.
const base = new URL(/* @vite-ignore */ '../', import.meta.url).pathname;
const options = optionsIn(document);
const router = createRouter(base, window);
const session = createSession(options, base, router, window);

startTicks(document, () => void session.check(true));
watchPresses(document);
void applyPreferences(options, base)
  .then(() => session.check())
  .catch(() => undefined);
const root = document.getElementById('app') ?? document.body;
// The text that the page did not load.
root.replaceChildren();
render(<App {...{ base, options, router, session }} />, root);

import type { PageOptions } from './options.js';
import type { Router } from './router.js';
import type { Session } from './session.js';

/** What the start of the page gives to its parts. */
export interface AppProps {
  readonly base: string;
  readonly options: PageOptions;
  readonly router: Router;
  readonly session: Session;
}

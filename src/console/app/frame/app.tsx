import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { Empty } from '../parts/empty.js';
import { Page } from '../parts/page.js';
import { Problem } from '../parts/problem.js';
import { View as Access } from '../views/access.js';
import type { AppProps } from './app-props.js';
import { after } from './clock.js';
import { ConsoleContext, type Console } from './console.js';
import { t, type MessageKey } from './messages.js';
import type { Router } from './router.js';
import { Shell, SignedOut } from './shell.js';
import type { Route, View, ViewName } from './types.js';
import { useLoaded } from './use-loaded.js';
import { useTitle } from './waiting.js';

type Load = () => Promise<{ readonly View: View }>;

/** The views that load when they are opened. The build puts ask, inbox and request into one file, and all others into another. */
const LATER: Readonly<Record<Exclude<ViewName, 'access'>, Load>> = {
  ask: () => import('../views/ask.js'),
  inbox: () => import('../views/inbox.js'),
  request: () => import('../views/request.js'),
  live: () => import('../views/live.js'),
  'break-glass': () => import('../views/break-glass.js'),
  history: () => import('../views/history.js'),
  report: () => import('../views/report.js'),
  journal: () => import('../views/journal.js'),
};

/** After this time a page loads the views of a person's own work, and the dialogs, so that they open at once. Milliseconds. */
const AHEAD_MS = 1_500;
const AHEAD: readonly (() => Promise<unknown>)[] = [LATER.inbox, () => import('../parts/decision-dialog.js')];

export function App(props: AppProps): JSX.Element {
  const state = props.session.state.value;
  const console = state.name === 'ready' ? state.console : undefined;
  useEffect(
    () =>
      console &&
      after(AHEAD_MS, () => {
        // A part that is opened later says by itself if its file is gone.
        for (const load of AHEAD) load().catch(() => undefined);
      }),
    [console],
  );
  return (
    <ConsoleContext.Provider value={console}>
      <Shell {...props}>
        {console !== undefined && <Content console={console} visit={props.router.visits.value} />}
        {(state.name === 'starting' || state.name === 'checking') && (
          <Before {...props}>
            <Loading text={state.name === 'starting' ? 'frame.starting' : 'frame.checking'} />
          </Before>
        )}
        {state.name === 'signedOut' && <SignedOut options={props.options} />}
        {state.name === 'failed' && (
          <Before {...props}>
            <Problem error={state.error} again={() => void props.session.check()} />
          </Before>
        )}
      </Shell>
    </ConsoleContext.Provider>
  );
}

interface BeforeProps extends Pick<AppProps, 'options'> {
  readonly router: Pick<Router, 'route'>;
}

/** A view that cannot be shown yet: its title, and why. */
function Before(props: BeforeProps & { readonly children: ComponentChildren }): JSX.Element {
  const { options, router, children } = props;
  const view = router.route.value?.view;
  const title = t(view === undefined ? 'frame.notFound' : `view.${view}`);
  useTitle(title, options);
  return (
    <article class="page">
      <h1>{title}</h1>
      {children}
    </article>
  );
}

const Loading = ({ text }: { readonly text: MessageKey }): JSX.Element => (
  <p class="quiet loading" role="status">
    {t(text)}
  </p>
);

function Content({ console, visit }: { readonly console: Console; readonly visit: number }): JSX.Element {
  const route = console.route.value;
  if (route === undefined) {
    return (
      <Page title={t('frame.notFound')}>
        <Empty text={t('frame.notFoundText')}>
          <a href={console.href('access')}>{t('frame.toStart')}</a>
        </Empty>
      </Page>
    );
  }
  // Another visit is another page: what was typed or opened on the last one is not on this one.
  const key = `${route.view}/${route.id ?? ''}/${visit}`;
  const { view } = route;
  return view === 'access' ? <Access key={key} route={route} /> : <Later key={key} {...{ route, view, console }} />;
}

interface LaterProps {
  readonly console: Console;
  readonly route: Route;
  readonly view: keyof typeof LATER;
}

function Later({ console, route, view }: LaterProps): JSX.Element {
  const { value, isMissing } = useLoaded(LATER[view]);
  if (value) return <value.View route={route} />;
  return (
    <Before options={console.options} router={console}>
      <Loading text={isMissing ? 'frame.newVersion' : 'frame.starting'} />
    </Before>
  );
}

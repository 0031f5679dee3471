import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { LostDecisions } from '../parts/lost-decisions.js';
import { Text } from '../parts/text.js';
import { Time } from '../parts/time.js';
import { announced } from './announce.js';
import type { AppProps } from './app-props.js';
import type { Console } from './console.js';
import { language, t } from './messages.js';
import { withReturn, type PageOptions } from './options.js';
import { Settings } from './settings.js';
import type { ViewName } from './types.js';
import { useQuery } from './use-query.js';
import { useCounted, useTitle, waitingQuery, waitingText } from './waiting.js';
import { reviewsQuery } from '../views/break-glass/read.js';
import { EmergencyButton } from '../views/emergency/button.js';

/** The views of the menu, and the action without which a view would answer 403. */
const YOURS: readonly ViewName[] = ['access', 'ask', 'inbox'];
const OVERSIGHT: readonly (readonly [ViewName, string | undefined])[] = [
  ['live', 'listGrants'],
  ['break-glass', undefined],
  ['history', 'whoHadAccess'],
  ['report', 'accessReport'],
  ['journal', 'journalHead'],
];

export function Shell(props: AppProps & { readonly children: ComponentChildren }): JSX.Element {
  const { options, session, children } = props;
  const state = session.state.value;
  return (
    <div class="shell">
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          // Not by the address: each change of it is another visit.
          event.preventDefault();
          document.getElementById('content')?.focus();
        }}
      >
        {t('frame.skip')}
      </a>
      <header class="top">
        <p class="brand">
          {options.logo === undefined ? <span aria-hidden="true">[ )</span> : <img src={options.logo} alt="" />}{' '}
          <bdi>{options.name ?? options.title}</bdi>
        </p>
        {state.name === 'ready' ? (
          <>
            <Menu console={state.console} />
            <p class="top-emergency">
              <EmergencyButton />
            </p>
          </>
        ) : (
          state.name !== 'signedOut' && <Views {...props.router} overseen={[]} counts={{}} />
        )}
        {state.name !== 'signedOut' && <Settings {...props} caller={state.name === 'ready' ? state.console.caller : undefined} />}
      </header>
      <main id="content" tabIndex={-1}>
        {!session.isOnline.value && <p class="strip wait">{t('frame.offline')}</p>}
        {session.isPolling.value && session.isOnline.value && <p class="strip">{t('frame.polling')}</p>}
        {state.name === 'ready' && <AsOf console={state.console} />}
        {session.isMenuShort.value && <p class="strip">{t('frame.noViews')}</p>}
        {state.name === 'ready' && <LostDecisions />}
        {children}
      </main>
      <footer class="foot quiet">
        {t('frame.zone', { zone: new Intl.DateTimeFormat(language.value.lang).resolvedOptions().timeZone })}
        {options.readOnly && ` ${t('frame.readOnly')}`}
      </footer>
      <p class="spoken" role="status">
        {announced.value}
      </p>
    </div>
  );
}

/** While the page shows what it has read before it was hidden. */
function AsOf({ console: { model } }: { readonly console: Console }): JSX.Element | null {
  const at = model.asOf.value;
  if (at === undefined) return null;
  return (
    <p class="strip" role="status">
      <Text k="frame.asOf" with={{ time: <Time at={at} /> }} />
    </p>
  );
}

function Menu({ console }: { readonly console: Console }): JSX.Element {
  const { model, permits, route, waiting } = console;
  const reviews = useQuery(reviewsQuery(permits('breakGlassReviews'))).value?.items.length ?? 0;
  // The inbox counts its own rows, until its page is hidden.
  const isCounted = route.value?.view === 'inbox' && model.asOf.value === undefined;
  // Once shown, it stays: no entry moves under a finger.
  const hasEmergencies = useRef(false);
  hasEmergencies.current ||= permits('breakGlass') || reviews > 0 || route.value?.view === 'break-glass';
  const overseen = OVERSIGHT.filter(([, action]) => (action === undefined ? hasEmergencies.current : permits(action)));
  const counts = { inbox: waitingText(waiting.value), 'break-glass': reviews === 0 ? undefined : String(reviews) };
  return (
    <>
      <Views {...console} overseen={overseen.map(([view]) => view)} counts={counts} />
      {!isCounted && waiting.value !== null && <Counter />}
    </>
  );
}

/** Asks how many requests wait for the viewer's review. */
function Counter(): null {
  useCounted(useQuery(waitingQuery));
  return null;
}

interface ViewsProps extends Pick<Console, 'href' | 'route'> {
  /** The views beyond the viewer's own. */
  readonly overseen: readonly ViewName[];
  /** How many reviews of a view wait. */
  readonly counts: Readonly<Partial<Record<ViewName, string | undefined>>>;
}

function Views({ href, route, overseen, counts }: ViewsProps): JSX.Element {
  const link = (view: ViewName) => (
    <li key={view}>
      <a href={href(view)} aria-current={route.value?.view === view ? 'page' : undefined}>
        {t(`view.${view}`)} {counts[view] !== undefined && <span class="count">{counts[view]}</span>}
      </a>
    </li>
  );
  const menu = useRef<HTMLElement>(null);
  useEffect(() => {
    menu.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [route.value?.view]);
  return (
    <nav class="menu" ref={menu} aria-label={t('frame.menu')}>
      <ul>{YOURS.map(link)}</ul>
      <ul>{overseen.map(link)}</ul>
    </nav>
  );
}

export function SignedOut({ options }: { readonly options: PageOptions }): JSX.Element {
  // The title of the view names what the person has seen.
  useTitle(t('signedOut.title'), options);
  return (
    <section class="empty">
      <h1>{t('signedOut.title')}</h1>
      <p>{t('signedOut.text')}</p>
      {options.signInUrl === undefined ? (
        <p>{t('signedOut.plain')}</p>
      ) : (
        <a class="button yes" href={withReturn(options.signInUrl, location)}>
          {t('signedOut.action')}
        </a>
      )}
    </section>
  );
}

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { LostDecisions } from '../parts/lost-decisions.js';
import { Person } from '../parts/person.js';
import { announced } from './announce.js';
import type { AppProps } from './app-props.js';
import { useConsole, type Console } from './console.js';
import { language, t } from './messages.js';
import { withReturn, type PageOptions } from './options.js';
import { languagesOf, rememberLanguage, setLanguage, setTheme, theme, type Theme } from './preferences.js';
import type { ViewName } from './types.js';

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
          <span aria-hidden="true">[ )</span> <bdi>{options.title}</bdi>
        </p>
        {state.name === 'ready' && <Menu console={state.console} />}
        {state.name === 'ready' && <Settings {...props} />}
      </header>
      <main id="content" tabIndex={-1}>
        {!session.isOnline.value && <p class="strip wait">{t('frame.offline')}</p>}
        {session.isPolling.value && session.isOnline.value && <p class="strip">{t('frame.polling')}</p>}
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

function Menu({ console }: { readonly console: Console }): JSX.Element {
  const { href, permits, route } = console;
  const link = (view: ViewName) => (
    <li key={view}>
      <a href={href(view)} aria-current={route.value?.view === view ? 'page' : undefined}>
        {t(`view.${view}`)}
      </a>
    </li>
  );
  const menu = useRef<HTMLElement>(null);
  useEffect(() => {
    menu.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [route.value?.view]);
  const overseen = OVERSIGHT.filter(([, action]) => action === undefined || permits(action));
  return (
    <nav class="menu" ref={menu} aria-label={t('frame.menu')}>
      <ul>{YOURS.map(link)}</ul>
      <ul>{overseen.map(([view]) => link(view))}</ul>
    </nav>
  );
}

function Settings({ base, options }: AppProps): JSX.Element {
  const { caller } = useConsole();
  const [chosen, setChosen] = useState<Theme>(theme);
  const languages = languagesOf(options, language.value.lang);
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const isOutside = !(event.target instanceof Node && box.current?.contains(event.target));
      if (box.current && (event instanceof KeyboardEvent ? event.key === 'Escape' : isOutside)) box.current.open = false;
    };
    document.addEventListener('click', close);
    document.addEventListener('keydown', close);
    return () => {
      document.removeEventListener('click', close);
      document.removeEventListener('keydown', close);
    };
  }, []);
  return (
    <details class="settings" ref={box}>
      <summary>
        <Person id={caller} short />
      </summary>
      <div class="sheet">
        <p class="quiet">{t('frame.signedInAs')}</p>
        <Person id={caller} />
        <label>
          {t('frame.theme')}
          <select
            value={chosen}
            onChange={({ currentTarget }) => {
              setChosen(currentTarget.value as Theme);
              setTheme(currentTarget.value as Theme);
            }}
          >
            {(['auto', 'light', 'dark'] as const).map((name) => (
              <option key={name} value={name}>
                {t(`frame.theme.${name}`)}
              </option>
            ))}
          </select>
        </label>
        {languages.length > 1 && (
          <label>
            {t('frame.language')}
            <select
              value={language.value.lang}
              onChange={({ currentTarget }) => {
                const next = languages.find(({ lang }) => lang === currentTarget.value);
                if (!next) return;
                rememberLanguage(next.lang);
                void setLanguage(next, base);
              }}
            >
              {[...languages]
                .sort((a, b) => (a.lang < b.lang ? -1 : 1))
                .map(({ lang }) => (
                  <option key={lang} value={lang} lang={lang}>
                    {new Intl.DisplayNames([lang], { type: 'language', fallback: 'code' }).of(lang)}
                  </option>
                ))}
            </select>
          </label>
        )}
        {options.signOutUrl !== undefined && (
          <a class="button" href={withReturn(options.signOutUrl, location)}>
            {t('frame.signOut')}
          </a>
        )}
      </div>
    </details>
  );
}

export function SignedOut({ options }: { readonly options: PageOptions }): JSX.Element {
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

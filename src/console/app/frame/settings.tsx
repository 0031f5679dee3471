import type { JSX, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Person } from '../parts/person.js';
import type { AppProps } from './app-props.js';
import { useConsole } from './console.js';
import { language, t } from './messages.js';
import { withReturn } from './options.js';
import { languagesOf, rememberLanguage, setLanguage, setTheme, theme, type Theme } from './preferences.js';

export function Settings({ base, options }: Pick<AppProps, 'base' | 'options'>): JSX.Element {
  const { caller } = useConsole();
  const box = useRef<HTMLDetailsElement>(null);
  useClosing(box);
  return (
    <details class="settings" ref={box}>
      <summary>
        <Person id={caller} short />
      </summary>
      <div class="sheet">
        <p class="quiet">{t('frame.signedInAs')}</p>
        <Person id={caller} />
        <ThemeChoice />
        <LanguageChoice base={base} options={options} />
        {options.signOutUrl !== undefined && (
          <a class="button" href={withReturn(options.signOutUrl, location)}>
            {t('frame.signOut')}
          </a>
        )}
      </div>
    </details>
  );
}

/** Closes the box on Escape and on a click outside it. */
function useClosing(box: RefObject<HTMLDetailsElement>): void {
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
  }, [box]);
}

function ThemeChoice(): JSX.Element {
  const [chosen, setChosen] = useState<Theme>(theme);
  return (
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
  );
}

/** Nothing where the page has one language. */
function LanguageChoice({ base, options }: Pick<AppProps, 'base' | 'options'>): JSX.Element | null {
  const languages = languagesOf(options, language.value.lang);
  if (languages.length <= 1) return null;
  return (
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
  );
}

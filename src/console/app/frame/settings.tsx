import type { JSX, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Person } from '../parts/person.js';
import type { AppProps } from './app-props.js';
import { language, t } from './messages.js';
import { withReturn } from './options.js';
import { canNotify, notifies, setNotifies } from './notice.js';
import { density, languagesOf, rememberLanguage, setDensity, setLanguage, setTheme, theme } from './preferences.js';

interface SettingsProps extends Pick<AppProps, 'base' | 'options'> {
  readonly caller: string | undefined;
}

/** Whose page it is, and how it looks. Without a caller, the service has not said who is signed in. */
export function Settings({ base, options, caller }: SettingsProps): JSX.Element {
  const box = useRef<HTMLDetailsElement>(null);
  useClosing(box);
  return (
    <details class="settings" ref={box}>
      <summary>{caller === undefined ? <span class="unknown">{t('frame.settings')}</span> : <Person id={caller} short />}</summary>
      <div class="sheet">
        <p class="quiet">{t(caller === undefined ? 'frame.unknown' : 'frame.signedInAs')}</p>
        {caller !== undefined && <Person id={caller} />}
        <Choice
          label={t('frame.theme')}
          of={theme}
          set={setTheme}
          options={(['auto', 'light', 'dark'] as const).map((name) => [name, t(`frame.theme.${name}`)])}
        />
        <Choice
          label={t('frame.density')}
          of={density}
          set={setDensity}
          options={(['comfortable', 'compact'] as const).map((name) => [name, t(`frame.density.${name}`)])}
        />
        <LanguageChoice base={base} options={options} />
        {caller !== undefined && <Notices />}
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

interface ChoiceProps<T extends string> {
  readonly label: string;
  /** What the device has kept. */
  readonly of: () => T;
  readonly set: (chosen: T) => void;
  readonly options: readonly (readonly [T, string])[];
}

/** A choice that the device keeps. */
function Choice<T extends string>({ label, of, set, options }: ChoiceProps<T>): JSX.Element {
  const [chosen, setChosen] = useState<T>(of);
  return (
    <label>
      {label}
      <select
        value={chosen}
        onChange={({ currentTarget }) => {
          setChosen(currentTarget.value as T);
          set(currentTarget.value as T);
        }}
      >
        {options.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Nothing where the browser shows no notices. */
function Notices(): JSX.Element | null {
  const [isOn, setOn] = useState(notifies);
  if (!canNotify()) return null;
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={isOn}
        onChange={({ currentTarget }) => {
          const input = currentTarget;
          void setNotifies(input.checked).then((isNow) => {
            setOn(isNow);
            input.checked = isNow;
          });
        }}
      />{' '}
      {t('frame.notices')}
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
          void setLanguage(next, base).then(() => {
            // Another one, if its texts did not load.
            currentTarget.value = language.value.lang;
          });
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

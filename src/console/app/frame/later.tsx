import type { ComponentType, JSX } from 'preact';
import { t } from './messages.js';
import { useLoaded } from './use-loaded.js';

/**
 * A part that loads when it is first drawn: a dialog that opens rarely. Its module adds its own texts.
 *
 * @param load an `import()`
 */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element | null {
  return function Later(props) {
    const { value, isMissing } = useLoaded(load);
    if (isMissing) return <p role="alert">{t('frame.newVersion')}</p>;
    return value ? drawn(value, props) : null;
  };
}

const drawn = <P extends object>(Part: ComponentType<P>, props: P): JSX.Element => <Part {...props} />;

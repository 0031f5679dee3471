import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { isPattern } from '../../../index.js';
import { useConsole, type Console } from '../frame/console.js';
import { t } from '../frame/messages.js';
import { Combobox, type ComboboxProps } from './combobox.js';
import { Scope } from './scope.js';
import { offeredScopes, type KnownScope } from './scope-question.js';

const NO_SCOPES: readonly string[] = [];

/** What the viewer may ask for, with the catalogue: read once for a page, when a field needs it. */
const listed = new WeakMap<Console['client'], Promise<readonly KnownScope[]>>();

function readListed(client: Console['client']): Promise<readonly KnownScope[]> {
  const read =
    listed.get(client) ??
    client.requestable().then(
      ({ items }) => items,
      () => {
        listed.delete(client);
        return [];
      },
    );
  listed.set(client, read);
  return read;
}

export interface ScopeInputProps extends Omit<ComboboxProps, 'value' | 'onText' | 'options' | 'obvious' | 'note' | 'onEnter' | 'onLeave'> {
  readonly value: string;
  readonly onValue: (scope: string) => void;
  /** The scopes of the rows of the view. */
  readonly scopes?: readonly string[] | undefined;
  /** Whether the field is a question about a scope and everything below it, as `selectionOf` makes it. It says so. Default: `false`. */
  readonly isQuestion?: boolean | undefined;
  /** Called with the scope by Enter, and when an option is taken. */
  readonly onDone?: ((scope: string) => void) | undefined;
  /** Called with the scope when the focus leaves. */
  readonly onLeave?: ((scope: string) => void) | undefined;
}

/** The input of a scope or pattern. It offers the scopes of the page, of the catalogue, and those that the viewer may ask for. */
export function ScopeInput(props: ScopeInputProps): JSX.Element {
  const { value, onValue, scopes = NO_SCOPES, isQuestion = false, onDone, onLeave, ...input } = props;
  const { client, permits } = useConsole();
  const [items, setItems] = useState<readonly KnownScope[]>([]);
  const text = value.trim();
  const hasParents = isQuestion && permits('patterns');
  const offered = useMemo(
    () => offeredScopes(text, [...items, ...scopes.map((scope) => ({ scope }))], hasParents),
    [text, items, scopes, hasParents],
  );
  const options = offered
    .filter(({ scope }) => scope !== text)
    .map(({ scope, title }) => ({
      key: scope,
      children: (
        <>
          <Scope scope={scope} />
          {title !== undefined && (
            <small class="quiet">
              <bdi>{title}</bdi>
            </small>
          )}
        </>
      ),
      take: () => {
        onValue(scope);
        onDone?.(scope);
      },
    }));
  return (
    <Combobox
      maxLength={256}
      {...input}
      dir="ltr"
      value={value}
      options={options}
      onText={onValue}
      onFocus={() => void readListed(client).then(setItems)}
      onEnter={() => onDone?.(text)}
      onLeave={() => onLeave?.(text)}
    >
      {text !== '' && !isPattern(text) ? (
        <span class="hint chosen">{t('picker.malformed')}</span>
      ) : (
        isQuestion &&
        text !== '' &&
        !text.includes('*') && <span class="hint chosen">{t(permits('patterns') ? 'picker.below' : 'picker.exact')}</span>
      )}
    </Combobox>
  );
}

import type { ComponentChildren, ComponentProps, JSX, TargetedInputEvent } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { addMessages, t } from '../frame/messages.js';
import { picker } from './picker.messages.js';

addMessages(picker);

export interface Option {
  readonly key: string;
  readonly children: ComponentChildren;
  readonly take: () => void;
}

export interface ComboboxProps extends Omit<ComponentProps<'input'>, 'value' | 'list'> {
  readonly value: string;
  /** Called with each change of the text. `isComposing`: an input method has not ended, so the text is not what the viewer means. */
  readonly onText: (text: string, isComposing: boolean) => void;
  readonly options: readonly Option[];
  /** The option that Enter takes without an arrow key. `undefined`: none. */
  readonly obvious?: string | undefined;
  /** A line below the options, also without any. */
  readonly note?: ComponentChildren;
  /** Called by Enter, unless it takes an option. */
  readonly onEnter?: (() => void) | undefined;
  /** Called when the focus has left. */
  readonly onLeave?: (() => void) | undefined;
  readonly class?: string;
  /** What belongs below the input. */
  readonly children?: ComponentChildren;
}

/** Which option the viewer means, and what the keys do. */
function useChoice({ value, onText, options, obvious, note, onEnter }: ComboboxProps) {
  const [isOpen, setOpen] = useState(false);
  const [moved, setMoved] = useState<string>();
  // A choice may make its view start again, which takes the focus away while the old text is still known.
  const isTyped = useRef(false);
  const isComposed = useRef(false);
  const at = (key: string | undefined) => options.findIndex((option) => option.key === key);
  const active = options[at(moved)] ?? options[at(obvious)];
  const isShown = isOpen && (options.length > 0 || note !== undefined);

  const take = (option: Option) => {
    setOpen(false);
    setMoved(undefined);
    isTyped.current = false;
    option.take();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // The keys of an input method are its own, also the one that ends it: Safari sends that key afterwards.
    if (event.isComposing || isComposed.current) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setOpen(true);
      const from = active === undefined || !isShown ? (step > 0 ? -1 : 0) : at(active.key);
      setMoved(options[(from + step + options.length) % options.length]?.key);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (event.repeat) return;
      if (isShown && active !== undefined) take(active);
      else onEnter?.();
    } else if (event.key === 'Escape' && isShown) {
      // Only the list closes, and not the dialog around it.
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
    }
  };
  const type = ({ currentTarget }: { readonly currentTarget: HTMLInputElement }, isComposing: boolean) => {
    isTyped.current = true;
    setOpen(currentTarget.value !== '');
    setMoved(undefined);
    onText(currentTarget.value, isComposing);
  };
  // In small letters: Preact asks the element whether it has a property of this event, and browsers have none.
  const oncompositionend = (event: { readonly currentTarget: HTMLInputElement }) => {
    isComposed.current = true;
    type(event, false);
  };
  const handlers = {
    value,
    onInput: (event: TargetedInputEvent<HTMLInputElement>) => type(event, event.isComposing),
    ...{ oncompositionend },
    onKeyUp: () => (isComposed.current = false),
    onKeyDown,
    onClick: () => setOpen(true),
  };
  return { active, moved, isShown, isTyped, take, setOpen, handlers };
}

/** A text with a list of what it may mean: the combobox of ARIA. Enter sends no form, so no key that is held down does more than it. */
export function Combobox(props: ComboboxProps): JSX.Element {
  const { options, note, onLeave, class: more = '', children, value: _v, onText: _t, obvious: _o, onEnter: _e, ...input } = props;
  const list = useId();
  const element = useRef<HTMLSpanElement>(null);
  const { active, moved, isShown, isTyped, take, setOpen, handlers } = useChoice(props);
  const idOf = (option: Option) => `${list}-${options.indexOf(option)}`;
  useLayoutEffect(() => {
    if (isShown && moved !== undefined) element.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [isShown, moved]);
  return (
    <span
      class={`combobox ${more}`}
      ref={element}
      onFocusOut={({ relatedTarget }) => {
        if (element.current?.contains(relatedTarget as Node | null)) return;
        setOpen(false);
        if (isTyped.current) onLeave?.();
        isTyped.current = false;
      }}
    >
      <input
        type="text"
        dir="auto"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        {...input}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isShown}
        aria-controls={list}
        aria-activedescendant={isShown && active !== undefined ? idOf(active) : undefined}
        {...handlers}
      />
      {children}
      <span class="options" hidden={!isShown}>
        <span id={list} role="listbox" aria-label={t('picker.choices')}>
          {options.map((option) => (
            <span
              key={option.key}
              id={idOf(option)}
              role="option"
              class="option"
              aria-selected={option === active}
              // The focus stays in the input. A touch that scrolls the list takes nothing.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(option)}
            >
              {option.children}
            </span>
          ))}
        </span>
        {note !== undefined && <span class="quiet options-note">{note}</span>}
      </span>
    </span>
  );
}

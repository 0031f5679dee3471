import type { JSX } from 'preact';

export interface SwitchProps<Name extends string> {
  /** A name for the accessibility tree. */
  readonly label: string;
  /** Each choice and its text. */
  readonly choices: readonly (readonly [name: Name, text: string])[];
  readonly value: Name;
  readonly onValue: (name: Name) => void;
}

/** Buttons of which one is pressed. */
export function Switch<Name extends string>({ label, choices, value, onValue }: SwitchProps<Name>): JSX.Element {
  return (
    <span class="switch" role="group" aria-label={label}>
      {choices.map(([name, text]) => (
        <button key={name} type="button" class="small" aria-pressed={name === value} onClick={() => onValue(name)}>
          {text}
        </button>
      ))}
    </span>
  );
}

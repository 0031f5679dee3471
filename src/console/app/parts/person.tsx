import type { JSX } from 'preact';
import { useConsole } from '../frame/console.js';

/** The first letters of the first and the last word of a name. */
export function initialsOf(name: string): string {
  const words = name
    .replace(/^[a-z]+:/, '')
    .split(/[\s._@-]+/u)
    .filter(Boolean);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word = '') => /^./su.exec(word)?.[0] ?? '');
  return letters.join('').toLocaleUpperCase();
}

/** One of the hues of the faces, always the same for one id. */
export const hueOf = (id: string): number =>
  Array.from(id, (letter) => letter.codePointAt(0) ?? 0).reduce((sum, code) => (sum * 31 + code) % 360, 7);

const isPicture = (url: string): boolean => /^(\/(?!\/)|data:image\/)/.test(url);

export interface PersonProps {
  readonly id: string;
  /** Only the face and the name, for a line of text. */
  readonly short?: boolean | undefined;
}

/** A person: face, name, and the detail or the id. Without a name, the id is the name. */
export function Person({ id, short = false }: PersonProps): JSX.Element {
  const found = useConsole().people.value.get(id);
  const name = found?.name ?? id;
  return (
    <span class={short ? 'person short' : 'person'} title={name === id ? undefined : id}>
      <Face {...{ id, name }} avatarUrl={found?.avatarUrl} />
      <span class="who">
        <bdi>{name}</bdi>
        {!short && name !== id && <small>{found?.detail === undefined ? <code>{id}</code> : <bdi>{found.detail}</bdi>}</small>}
      </span>
    </span>
  );
}

/** The name of a person alone, inside a sentence. */
export function Name({ id }: { readonly id: string }): JSX.Element {
  const found = useConsole().people.value.get(id);
  return (
    <bdi class="name" title={found === undefined ? undefined : id}>
      {found?.name ?? id}
    </bdi>
  );
}

function Face(props: { readonly id: string; readonly name: string; readonly avatarUrl: string | undefined }): JSX.Element {
  const { id, name, avatarUrl } = props;
  if (avatarUrl !== undefined && isPicture(avatarUrl)) return <img class="face" src={avatarUrl} alt="" />;
  return (
    <span class="face" aria-hidden="true" style={{ '--hue': String(hueOf(id)) }}>
      {initialsOf(name)}
    </span>
  );
}

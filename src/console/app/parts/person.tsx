import type { JSX } from 'preact';
import { useConsole } from '../frame/console.js';
import { isAmbiguous } from '../frame/names.js';
import type { PersonInfo } from '../frame/types.js';

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

/** A person: face, name, and the detail or the id. Without a name, the id is the name. Where a name may mean another person, both. */
export function Person({ id, short = false }: PersonProps): JSX.Element {
  const { people } = useConsole();
  const info = people.value.get(id);
  const isUnsure = info !== undefined && isAmbiguous(info.name, people.value);
  return <Shown {...{ id, info, short }} hasDetail={!short} hasId={isUnsure || (!short && info?.detail === undefined)} />;
}

/** A person with name, detail and id, for a choice between people. */
export function Whole({ id, info }: { readonly id: string; readonly info?: PersonInfo | undefined }): JSX.Element {
  return <Shown {...{ id, info }} hasDetail hasId />;
}

interface ShownProps extends PersonProps {
  readonly info: PersonInfo | undefined;
  readonly hasDetail: boolean;
  readonly hasId: boolean;
}

function Shown({ id, info, short = false, hasDetail, hasId }: ShownProps): JSX.Element {
  const name = info?.name ?? id;
  const detail = hasDetail ? info?.detail : undefined;
  return (
    <span class={short ? 'person short' : 'person'} title={name === id ? undefined : id}>
      <Face {...{ id, name }} avatarUrl={info?.avatarUrl} />
      <span class="who">
        <bdi>{name}</bdi>
        {detail !== undefined && (
          <small>
            <bdi>{detail}</bdi>
          </small>
        )}
        {hasId && name !== id && (
          <small>
            <code>{id}</code>
          </small>
        )}
      </span>
    </span>
  );
}

/** The name of a person alone, inside a sentence. Where it may mean another person, with the id. */
export function Name({ id }: { readonly id: string }): JSX.Element {
  const people = useConsole().people.value;
  const name = people.get(id)?.name ?? id;
  return (
    <bdi class="name" title={name === id ? undefined : id}>
      {name}
      {name !== id && isAmbiguous(name, people) && (
        <>
          {' '}
          <code>{id}</code>
        </>
      )}
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

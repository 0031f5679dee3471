type Child = Node | string;

/** An element with its attributes and what is in it. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function button(text: string, onClick: () => void, attributes: Readonly<Record<string, string>> = {}): HTMLButtonElement {
  const element = el('button', { type: 'button', ...attributes }, text);
  element.addEventListener('click', onClick);
  return element;
}

/** A part of the page with a heading. `asks` is the question that it answers. */
export function panel(name: string, asks: string, ...children: readonly Child[]): HTMLElement {
  return el(
    'section',
    { class: `panel ${name}`, 'aria-labelledby': `${name}-heading` },
    el('h2', { id: `${name}-heading` }, asks),
    ...children,
  );
}

/** Calls `draw` only when what it depends on has changed: an element that is not drawn again keeps its focus and its selection. */
export function onChange<T>(key: (value: T) => string, draw: (value: T) => void): (value: T) => void {
  let last: string | undefined;
  return (value) => {
    const next = key(value);
    if (next === last) return;
    last = next;
    draw(value);
  };
}

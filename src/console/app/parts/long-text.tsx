import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../frame/messages.js';
import { Button } from './button.js';

export interface LongTextProps {
  readonly text: string;
  /** The class of the element around the text. */
  readonly class: string;
}

/** The words of a person: three lines, and a button for the rest if they are longer. Paper shows all. */
export function LongText({ text, class: name }: LongTextProps): JSX.Element {
  const words = useRef<HTMLQuoteElement>(null);
  const [isLong, setLong] = useState(false);
  const [isOpen, setOpen] = useState(false);
  useLayoutEffect(() => {
    const element = words.current;
    if (isOpen || element === null) return undefined;
    const measure = () => setLong(element.scrollHeight > element.clientHeight + 1);
    // Also when the window gets narrow, and when the row around it is opened.
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [isOpen, text]);
  return (
    <div class={name}>
      <blockquote class={isOpen ? 'long open' : 'long'} dir="auto" ref={words}>
        {text}
      </blockquote>
      {isLong && (
        <Button small kind="quiet" onPress={() => setOpen(!isOpen)}>
          {t(isOpen ? 'part.showLess' : 'part.showAll')}
        </Button>
      )}
    </div>
  );
}

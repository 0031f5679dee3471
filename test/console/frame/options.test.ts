import { describe, expect, it } from 'vitest';
import { optionsIn, ticketHref, withReturn } from '../../../src/console/app/frame/options.js';
import { languagesOf, themeOf } from '../../../src/console/app/frame/preferences.js';

describe('the address of a sign-in', () => {
  it('gets the path of the page, and no origin', () => {
    const place = new URL('https://own.example/console/inbox?by=a&b=c');
    expect(withReturn('/sign-in', place)).toBe('/sign-in?returnTo=%2Fconsole%2Finbox%3Fby%3Da%26b%3Dc');
    expect(withReturn('https://id.example/login?tenant=7#top', place, { max_age: '60' })).toBe(
      'https://id.example/login?tenant=7&max_age=60&returnTo=%2Fconsole%2Finbox%3Fby%3Da%26b%3Dc#top',
    );
  });

  it('cannot be led to another origin by the address of the page', () => {
    const place = { pathname: '//evil.example/console/', search: '' };
    expect(new URL(withReturn('/sign-in', place), 'https://own.example').origin).toBe('https://own.example');
  });
});

describe('the link of a ticket', () => {
  it('encodes the ticket', () => {
    expect(ticketHref('https://t.example/{ticket}', 'INC-1')).toBe('https://t.example/INC-1');
    expect(ticketHref('https://t.example/{ticket}', '/../x?a#b')).toBe('https://t.example/%2F..%2Fx%3Fa%23b');
    expect(ticketHref('https://t.example/{ticket}', 'javascript:alert(1)')).toBe('https://t.example/javascript%3Aalert(1)');
    // A replacement pattern of `replace` is a text here.
    expect(ticketHref('https://t.example/{ticket}/x', "$'$&")).toBe("https://t.example/%24'%24%26/x");
  });

  it.each(['', '.', '..', '\ud800'])('does not exist for %j', (ticket) => {
    expect(ticketHref('https://t.example/{ticket}', ticket)).toBeUndefined();
  });

  it('does not exist without an address of tickets', () => expect(ticketHref(undefined, 'INC-1')).toBeUndefined());
});

describe('the options of the page', () => {
  const page = (content: string | undefined) =>
    optionsIn({ querySelector: () => (content === undefined ? null : { content }) } as unknown as Document);

  it('come from the meta element', () => {
    expect(page('{"title":"Access","readOnly":true,"api":"../x"}')).toMatchObject({ title: 'Access', readOnly: true, api: '../x' });
    expect(page(undefined)).toMatchObject({ readOnly: false, languages: [] });
  });

  it('put the chosen language first, and always have English', () => {
    const options = { ...page(undefined), languages: [{ lang: 'de', dir: 'ltr' as const }] };
    expect(languagesOf(options, null).map(({ lang }) => lang)).toEqual(['de', 'en']);
    expect(languagesOf(options, 'en').map(({ lang }) => lang)).toEqual(['en', 'de']);
    expect(languagesOf(options, 'xx').map(({ lang }) => lang)).toEqual(['de', 'en']);
  });

  it('know two themes beside that of the device', () => {
    expect(['light', 'dark', 'auto', 'x', null].map(themeOf)).toEqual(['light', 'dark', 'auto', 'auto', 'auto']);
  });
});

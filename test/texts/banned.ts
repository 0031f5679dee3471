/** A phrase that readers stumbled over, and what to write instead. */
export interface Banned {
  readonly phrase: RegExp;
  readonly write: string;
}

const words = (text: string): RegExp => new RegExp(`\\b(?:${text})\\b`, 'i');

/** Each names a thing by its absence, hides who acts, says a plain verb in a riddle, or is a word of the first authors. */
export const BANNED: readonly Banned[] = [
  { phrase: words('is told|are told|told of|tells of'), write: 'is reported to `onError`; returns; notifies' },
  { phrase: words('(?:on|goes on|puts? on|put on) record'), write: 'logged; recorded in the journal' },
  { phrase: words('reads on|sees to|seen to|mended|mends'), write: 'forwards; handles; repaired' },
  { phrase: words('anew|afresh'), write: 'again' },
  { phrase: words('meanwhile'), write: 'in the meantime' },
  { phrase: words('besides'), write: 'also' },
  { phrase: words('somebody|nobody|whoever|everybody|anybody'), write: 'the caller; no reviewer; any subject' },
  { phrase: words('whatever'), write: 'any value; the noun' },
  { phrase: words('systems? outside'), write: 'external system' },
  { phrase: words('an end by time'), write: 'expiry' },
  { phrase: words('owes|owed'), write: 'must still be reviewed; pending break-glass review' },
  { phrase: words('takes away|taken away|takes back|taken back|took back|brings back'), write: 'revokes; cancels; restores' },
  { phrase: words('what is so|how things are|what has been said|as things are'), write: 'the current state' },
  { phrase: words('the bad day'), write: 'an emergency' },
  { phrase: words('it is not known who'), write: 'authentication required' },
  { phrase: words('handed on|hands on|hand on|handed over'), write: 'passed to; passes on' },
  { phrase: words('has become of|became of'), write: 'the outcome; the current state' },
  { phrase: words('at the door'), write: 'parsed arguments' },
  { phrase: words('under way'), write: 'in progress; in flight' },
  { phrase: words('told apart|tells? apart'), write: 'distinguished' },
  { phrase: words('leads on'), write: 'advances' },
  { phrase: words("somebody else's|nobody's"), write: "the caller's; another process's" },
  { phrase: words('through and through'), write: 'deeply' },
  { phrase: words('the very (?:row|same|one)'), write: 'the same object' },
  { phrase: words('surely'), write: 'likely' },
  { phrase: words('the short cut'), write: 'the fast path' },
  { phrase: words('what is not there'), write: 'a missing value' },
  { phrase: words('goes on|go on|going on|went on'), write: 'continues' },
  {
    phrase: words(
      '(?:pages?|rows?|entry|entries|notices?|names?|line|chain|journal|none|begins?|continues?|numbers) behind|' +
        'behind (?:the (?:head|first|second|last|page|place|policy)|it, it must)',
    ),
    write: 'after; of a clock, a replica or a server at a proxy: behind',
  },
  { phrase: words('left out|leaves? out|leaving out'), write: 'omits; omitted; skips' },
  { phrase: words('(?<!there )is none'), write: 'is invalid; is not a' },
  { phrase: words('no \\w+ at all'), write: 'no; is not a' },
  { phrase: words('(?:has|have) come (?:to|of)|comes? of (?:it|this|that)'), write: 'the outcome; amounts to; the result' },
  { phrase: words('(?:is|are|was|were) over'), write: 'has ended; has expired; has passed' },
  { phrase: words('in vain'), write: 'without success' },
  { phrase: /(?<!soon )\bas (?:it was|they were)(?=[.,;:'"`])/i, write: 'unchanged' },
  { phrase: words('nothing of'), write: 'no part of; no' },
  { phrase: /(?<!\*`? )\bstands? for\b/i, write: 'identifies; means; of a wildcard: stands for' },
  { phrase: words('is no more|are no more'), write: 'no longer exists' },
  { phrase: words('be it'), write: 'whether' },
];

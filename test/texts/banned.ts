/** A phrase that readers stumbled over, and what to write instead. */
export interface Banned {
  readonly phrase: RegExp;
  readonly write: string;
}

const words = (text: string): RegExp => new RegExp(`\\b(?:${text})\\b`, 'i');

/**
 * Each names a thing by its absence, hides who acts, says a plain verb in a riddle, or is an idiom. The first part has every
 * phrase of the table "avoid | write" in the language guide.
 *
 * Not banned, because most of their uses are plain: "tell" (an instruction to a reader), "comes with" (a package),
 * "holds back" (a purge, by a `hold` row), "says so", "stands in" (an escalation group), "by hand", "put aside".
 */
export const BANNED: readonly Banned[] = [
  // Not a function or a method of that name.
  { phrase: /\btells\b|(?<!#)\btold\b(?!\()/i, write: 'is reported to `onError`; returns; notifies; distinguishes' },
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
  {
    phrase: words('takes away|taken away|takes back|taken back|took back|brings? (?:\\w+ )?back|brought back'),
    write: 'revokes; cancels; restores',
  },
  { phrase: words('what is so|how things are|what has been said|as things are'), write: 'the current state' },
  { phrase: words('the bad day'), write: 'an emergency' },
  { phrase: words('it is not known who'), write: 'authentication required' },
  {
    phrase: /(?:^|\s)#+ What (?:is not|it costs|goes into|is left)\b/i,
    write: 'as a heading: Limitations; Performance; Details',
  },
  {
    phrase: words('hands|handed|handing|hand (?:\\w+ ){0,3}(?:on|out|over|back)'),
    write: 'passes; passed to; returns',
  },
  { phrase: words('has become of|became of'), write: 'the outcome; the current state' },
  { phrase: words('at the door'), write: 'parsed arguments' },
  { phrase: words('under way'), write: 'in progress; in flight' },
  { phrase: words('tell(?:ing)? (?:\\w+ ){0,7}apart'), write: 'distinguished' },
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
  {
    phrase: words('(?:has|have) come (?:to|of)|comes? of (?:it|this|that)|what (?:came|comes) of'),
    write: 'the outcome; amounts to; the result',
  },
  { phrase: words('(?:is|are|was|were) over'), write: 'has ended; has expired; has passed' },
  { phrase: words('in vain'), write: 'without success' },
  { phrase: /(?<!soon )\bas (?:it was|they were)(?=[.,;:'"`])/i, write: 'unchanged' },
  { phrase: words('nothing of'), write: 'no part of; no' },
  { phrase: /(?<!\*`? )\bstands? for\b/i, write: 'identifies; means; of a wildcard: stands for' },
  { phrase: words('is no more|are no more'), write: 'no longer exists' },
  { phrase: words('be it'), write: 'whether' },
  { phrase: words('all the same'), write: 'still' },
  { phrase: words('let(?:s|ting)? go of'), write: 'releases; released' },
  { phrase: words('(?:holds?|held|holding) (?:\\w+ )?up'), write: 'delays; delayed' },
  {
    phrase: /\btak(?:es?|ing) (?:\d+|`[^`]+`|an empty \w+|no other \w+) for\b|(?<!mis)taken for (?!each\b|the work\b)/i,
    write: 'treats as',
  },
  { phrase: words('in silence'), write: 'silently; without a report' },
  { phrase: words('(?:runs?|ran|running) out'), write: 'expires; is used up' },
  {
    phrase: words("(?:cannot|can't|could not|couldn't) (?:be asked|ask)"),
    write: 'is unavailable; cannot query; cannot be requested',
  },
  { phrase: words('can not'), write: 'cannot' },
  { phrase: words('(?:go|goes|going|went) by'), write: 'uses; follows; passes' },
  { phrase: words('(?:gives?|given|gave|giving) (?:\\w+ ){0,2}back'), write: 'returns; released' },
  { phrase: words('(?:of|on) (?:its|their|his|her) own accord'), write: 'by itself' },
  { phrase: words('as it were|so to speak'), write: 'delete it' },
  { phrase: words('no longer so'), write: 'the new state' },
  { phrase: words('in time has ended'), write: 'has expired' },
  { phrase: words('for good'), write: 'permanently' },
  { phrase: /(?<!\b(?:not|looks) )\bat all\b(?! (?:the|of)\b)/i, write: 'delete it; "not at all" is allowed' },
  { phrase: words('what is left'), write: 'the rest; the remaining items' },
  { phrase: words('let alone'), write: 'and so not; not even' },
  { phrase: words('in the end|all in all|to begin with'), write: 'finally; in total; at first' },
  { phrase: words('for want of'), write: 'because X is missing' },
  { phrase: words('gets? there'), write: 'reaches it' },
  { phrase: words('speaks? of|hears? of|heard of'), write: 'covers; names; receives' },
  { phrase: words('now and then|over and over|again and again'), write: 'sometimes; repeatedly' },
  { phrase: words('in step with'), write: 'up to date with' },
  { phrase: words('in turns'), write: 'alternately' },
  { phrase: words('brings? (?:\\w+ )?along'), write: 'contains; passes' },
  { phrase: words('beforehand'), write: 'in advance' },
  { phrase: words('nothing but|anything but|all but'), write: 'only; any value other than; all except' },
  { phrase: words('no \\w+ but (?:that|those)'), write: 'no X except' },
  { phrase: words('first come, first served'), write: 'in the order of arrival (FIFO)' },
  { phrase: words('tak(?:es?|ing) (?:its|their|his|her) time'), write: 'is slow' },
  { phrase: words('le(?:ft|aves?) (?:\\w+ ){0,2}alone'), write: 'ignores; does not change' },
  { phrase: words('(?:wakes|only|that) who'), write: 'the noun: watchers, sleepers' },
  { phrase: words('foresees?|foretold'), write: 'predicts; predictable' },
  { phrase: words('is as none'), write: 'is ignored' },
  { phrase: words('puts? together|putting together'), write: 'joined; concatenated' },
  { phrase: words('(?:has|have) yet to'), write: 'has not ... yet' },
  { phrase: words('believes|believed'), write: 'trusts' },
  { phrase: words('thrown away|throws? away'), write: 'discards' },
  { phrase: words('turns out'), write: 'is; proves to be' },
  { phrase: words('the same goes'), write: 'the same is true' },
  { phrase: words('lest|once and for all|no matter (?:how|what|who)'), write: 'so that not; permanently; regardless of' },
];

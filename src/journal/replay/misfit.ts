import { CorruptError } from '../../core/errors.js';

/** The error for an entry that does not follow from the entries before it. */
export const misfit = (seq: number, problem: string): CorruptError => new CorruptError('entry', String(seq), problem);

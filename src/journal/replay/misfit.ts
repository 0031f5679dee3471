import { CorruptError } from '../../core/errors.js';

/** An entry that doesn't follow from those before it. */
export const misfit = (seq: number, problem: string): CorruptError => new CorruptError('entry', String(seq), problem);

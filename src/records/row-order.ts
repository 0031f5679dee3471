import { StoreError } from '../core/errors.js';

/** Why a store refuses a change that would give a row another `createdAt`: it orders the pages of `find`. */
export const CREATED_AT_CHANGED = 'the change gives a row another createdAt, which never changes; nothing was written';

export const createdAtChanged = (): StoreError => new StoreError('commit', CREATED_AT_CHANGED);

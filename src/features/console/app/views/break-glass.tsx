import type { JSX } from 'preact';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { Page } from '../parts/page.js';
import { breakGlass } from './break-glass.messages.js';

addMessages(breakGlass);

export default function View(_props: ViewProps): JSX.Element {
  return <Page title={t('break-glass.title')} />;
}

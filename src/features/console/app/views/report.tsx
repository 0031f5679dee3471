import type { JSX } from 'preact';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { Page } from '../parts/page.js';
import { report } from './report.messages.js';

addMessages(report);

export default function View(_props: ViewProps): JSX.Element {
  return <Page title={t('report.title')} />;
}

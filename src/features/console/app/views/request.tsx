import type { JSX } from 'preact';
import { t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { Page } from '../parts/page.js';

export default function View(_props: ViewProps): JSX.Element {
  return <Page title={t('request.title')} />;
}

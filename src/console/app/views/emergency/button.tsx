import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { later } from '../../frame/later.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import './emergency.css';

const EmergencyDialog = later(() => import('./dialog.js').then((module) => module.EmergencyDialog));

export interface EmergencyButtonProps {
  /** The scope that the viewer needs. Default: the viewer chooses one. */
  readonly scope?: string | undefined;
}

/** Access in an emergency. Nothing for a person whom no rule gives any. */
export function EmergencyButton({ scope }: EmergencyButtonProps): JSX.Element | null {
  const { permits, readOnly } = useConsole();
  const [isOpen, setOpen] = useState(false);
  if (readOnly || !permits('breakGlass')) return null;
  return (
    <>
      <Button small kind="no" onPress={() => setOpen(true)}>
        {t(scope === undefined ? 'frame.emergency' : 'frame.emergency.scope')}
      </Button>
      {isOpen && <EmergencyDialog scope={scope} onClose={() => setOpen(false)} />}
    </>
  );
}

/** The commands that change a running lab all report the same: what changed, and when the kernel had it. */
import type { Request } from '../../lab/protocol.ts';
import { structured, type Formats } from '../command.ts';
import type { ChangeReport } from '../lab-reports.ts';

export const changeFormats: Formats<ChangeReport> = {
  table: () => import('../render/lab-text.ts').then((m) => m.renderChange),
  ...structured(),
};

type Change = Extract<Request, { op: 'apply' | 'delete' | 'label' | 'scale' }>;

export async function changeLab(lab: string, request: Change, parseMs = 0): Promise<ChangeReport> {
  const [{ callLab }, { requireRoot }] = await Promise.all([
    import('../../lab/client.ts'),
    import('../../lab/requirements.ts'),
  ]);
  requireRoot();
  const result = await callLab<Change['op']>(lab, request);
  if (!result) throw new Error('a call without a signal has a result');
  return { ...result, parseMs };
}

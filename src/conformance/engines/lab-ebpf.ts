/** Real packets between the network namespaces of a lab, enforced by eBPF. */
import { openNodeDatapath } from '../../lab/datapaths.ts';
import { requireLabMachine } from '../../lab/requirements.ts';
import type { Engine } from '../engine.ts';
import { LabSession } from '../lab/lab-session.ts';

export const labEbpf: Engine = {
  name: 'lab-ebpf',
  summary: 'real packets between network namespaces, enforced by eBPF (root)',
  callsServices: true,
  open: async (options) => {
    requireLabMachine();
    return new LabSession({ ...options, openDatapath: openNodeDatapath });
  },
};

/** Real packets between the network namespaces of a lab, enforced by nftables. */
import { openNodeDatapath } from '../../lab/datapaths.ts';
import { requireLabMachine } from '../../lab/requirements.ts';
import type { Engine } from '../engine.ts';
import { LabSession } from '../lab/lab-session.ts';

export const labNftables: Engine = {
  name: 'lab-nftables',
  summary: 'real packets between network namespaces, enforced by nftables (root)',
  callsServices: true,
  open: async (options) => {
    requireLabMachine('nftables');
    return new LabSession({
      ...options,
      openDatapath: (lab, node) => openNodeDatapath(lab, node, 'nftables'),
    });
  },
};

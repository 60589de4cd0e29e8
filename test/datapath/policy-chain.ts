/**
 * Policies that each allow the client to talk to the server, but only as a whole: sets and identities of two of them
 * together match nothing. A packet that is denied while they replace each other was judged by a mixture.
 */
import type { AddressValue, Delta, PortRow } from '../../src/compiler/tables.ts';
import { world } from './guard-world.ts';

const { client, server } = world[4];

type PortKey = Pick<PortRow, 'protocol' | 'port' | 'prefixLength'>;

const anyProtocol: PortKey = { protocol: 0, port: 0, prefixLength: 0 };
/** 0…255. */
export const lowUdpPorts: PortKey = { protocol: 17, port: 0, prefixLength: 8 };

/** The policy number `n`, or nothing at all for 0: ids are its own. */
function policy(n: number, key: PortKey) {
  const value = (identity: number, egressSet: number): AddressValue => ({
    identity,
    ingressSet: 0,
    egressSet,
    role: 'local-pod',
  });
  return {
    ports: [{ class: n, ...key, allow: true, rule: 1 }],
    classes: [{ set: n, identity: n, class: n, lengths: 2 ** (key.protocol === 0 ? 31 : key.prefixLength) }],
    client: value(0, n),
    server: value(n, 0),
  };
}

export function policyChange(from: number, to: number, key = anyProtocol): Delta {
  const [old, next] = [policy(from, key), policy(to, key)];
  return {
    add: { ports: next.ports, classes: next.classes },
    stage: {
      addresses: [
        { addresses: [client], to: next.client, ...(from ? { from: old.client } : {}) },
        { addresses: [server], to: next.server, ...(from ? { from: old.server } : {}) },
      ],
      cidrs: [],
    },
    sweep: from ? { ports: old.ports, classes: old.classes } : { ports: [], classes: [] },
  };
}

/** What policies say: sets, identities, ports, and who is judged at all. */
import { icmp, sctp, tcp, udp } from '../../../src/datapath/packet.ts';
import { data, drop, forward4, forward6, GRE, ICMP, pass, SCTP, TCP, toTcp80, toTcp81, UDP } from './case.ts';
import type { Judged } from './case.ts';

export const policyCases: Record<string, Judged> = {
  'what a rule allows passes': pass('forward4', 'rule', forward4('client', 'server', toTcp80)),
  'over IPv6 too': pass('forward6', 'rule', forward6('client', 'server', toTcp80)),
  'what no rule allows is dropped': drop('forward4', 'default-deny', forward4('client', 'server', toTcp81)),
  'over IPv6 as well': drop('forward6', 'default-deny', forward6('client', 'server', toTcp81)),
  'UDP to its port': pass(
    'forward4',
    'rule',
    forward4('client', 'server', { protocol: UDP, payload: udp({ port: 53 }) }),
  ),
  'SCTP to its port': pass(
    'forward4',
    'rule',
    forward4('client', 'server', { protocol: SCTP, payload: sctp({ port: 99 }) }),
  ),
  'the port of another protocol': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: UDP, payload: udp({ port: 80 }) }),
  ),
  'first port of a range': pass(
    'forward4',
    'rule',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ port: 7936 }) }),
  ),
  'last port of a range': pass(
    'forward4',
    'rule',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ port: 8191 }) }),
  ),
  'the port after a range': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ port: 8192 }) }),
  ),
  'the longer prefix decides': drop(
    'forward4',
    'rule',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ port: 8080 }) }),
  ),
  'the source port does not matter': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ sourcePort: 80, port: 81 }) }),
  ),
  'an identity without a class of its own gets that of anyone': pass(
    'forward4',
    'rule',
    forward4('remote', 'server', { protocol: TCP, payload: tcp({ port: 443 }) }),
  ),
  'and no more than that': drop('forward4', 'default-deny', forward4('remote', 'server', toTcp80)),
  'an identity with a class does not get what is not merged into it': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: TCP, payload: tcp({ port: 443 }) }),
  ),
  'an address outside, by its prefix': pass(
    'forward4',
    'rule',
    forward4('block', 'server', { protocol: GRE, payload: data }),
  ),
  'and over IPv6': pass('forward6', 'rule', forward6('block', 'server', { protocol: GRE, payload: data })),
  'an address outside every prefix': drop(
    'forward4',
    'default-deny',
    forward4('internet', 'server', toTcp80),
  ),
  'a protocol without ports needs an entry for any': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: GRE, payload: data }),
  ),
  'so does ICMP': drop(
    'forward4',
    'default-deny',
    forward4('client', 'server', { protocol: ICMP, payload: icmp(8) }),
  ),
  'egress to nobody that a rule names': drop(
    'forward4',
    'default-deny',
    forward4('client', 'internet', toTcp80),
  ),
  'a set without a class for anyone denies': drop(
    'forward4',
    'default-deny',
    forward4('client', 'open', toTcp80),
  ),
  'a pod without policy, outwards': pass('forward4', 'not-isolated', forward4('open', 'internet', toTcp81)),
  'a pod without policy, inwards': pass('forward4', 'not-isolated', forward4('internet', 'open', toTcp81)),
  'nobody of ours': pass('forward4', 'no-subject', forward4('remote', 'internet', toTcp81)),
  'a forwarded packet that claims to be the node is judged as anybody': drop(
    'forward4',
    'default-deny',
    forward4('node', 'server', toTcp80),
  ),
  'a pod to itself': pass('forward4', 'self', forward4('client', 'client', toTcp81)),
  'a pod to itself over IPv6': pass('forward6', 'self', forward6('client', 'client', toTcp81)),
  'from an address of the pod range that nobody has': drop(
    'forward4',
    'unprogrammed',
    forward4('nobody', 'internet', toTcp80),
  ),
  'to an address of the pod range that nobody has': drop(
    'forward4',
    'unprogrammed',
    forward4('internet', 'nobody', toTcp80),
  ),
  'to such an address from a pod whose egress would not allow it': drop(
    'forward4',
    'unprogrammed',
    forward4('client', 'nobody', toTcp80),
  ),
  'to such an address over IPv6': drop('forward6', 'unprogrammed', forward6('internet', 'nobody', toTcp80)),
};

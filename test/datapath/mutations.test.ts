/** For every guard in the kernel side: taken out, and at least one case of guards/ must notice. */
import { describe, expect, test } from 'vitest';
import { hasClang, withObject } from './broken-objects.ts';
import type { SourceChange } from './broken-objects.ts';
import { guardCases } from './guards/all-cases.ts';
import { expectedOf, judgeCase, loads } from './guards/case.ts';
import { worldDelta } from './guard-world.ts';
import { isRoot, KernelTables } from './kernel-tables.ts';

/** Names of the cases that come out otherwise than they should; stops at the first load that has any. */
function noticed(objectPath: string): string[] {
  for (const load of Object.keys(loads) as (keyof typeof loads)[]) {
    const kernel = new KernelTables({ ...loads[load], objectPath });
    try {
      kernel.tables.apply(worldDelta);
      const wrong = guardCases.filter(
        (guard) => guard.load === load && judgeCase(kernel, guard) !== expectedOf(guard),
      );
      if (wrong.length > 0) return wrong.map((guard) => guard.name);
    } finally {
      kernel.close();
    }
  }
  return [];
}

function change(file: string, from: string, to: string): SourceChange {
  return { file, from, to };
}

const mutations: Record<string, SourceChange> = {
  'every related packet passes': change(
    'tracking.h',
    '		return packet->protocol == IPPROTO_ICMP &&\n		       (packet->icmp_type == 3',
    '		return packet->protocol == IPPROTO_ICMP ||\n		       (packet->icmp_type == 3',
  ),
  'every related ICMP packet passes': change('tracking.h', '(packet->icmp_type == 3 ||', '(true ||'),
  'every related ICMPv6 packet passes': change('tracking.h', ' && packet->icmp_type < 128', ''),
  'related errors may be cut short': change('tracking.h', '|| packet->malformed ||', '||'),
  'errors about replies are judged': change(
    'tracking.h',
    ' && tracking.info != IP_CT_RELATED + IP_CT_IS_REPLY',
    '',
  ),
  'ICMP errors pass without conntrack': change(
    'tracking.h',
    '	if (!tracking.connection || packet->malformed ||\n	    (tracking.info != IP_CT_RELATED && tracking.info != IP_CT_RELATED + IP_CT_IS_REPLY))\n',
    '	if (packet->malformed)\n',
  ),
  'replies are judged': change('tracking.h', 'tracking.info == IP_CT_IS_REPLY;', 'false;'),
  'replies to anything pass': change('bulkhead.bpf.c', 'hook == HOOK_LOCAL_IN && reply', 'reply'),
  'replies are judged by the way they go': change('bulkhead.bpf.c', '			mirror(&packet);\n', '			;\n'),
  'replies keep their port': change('packet.h', '	packet->port = packet->source_port;\n', ''),
  'pods may report on others': change(
    'judge.h',
    'packet->reports_on_others && (links.from_pod || source.role == ROLE_LOCAL_POD)',
    'false',
  ),
  'nobody may report on others': change(
    'judge.h',
    'packet->reports_on_others && (links.from_pod || source.role == ROLE_LOCAL_POD)',
    'packet->reports_on_others',
  ),
  'pods may redirect over IPv4': change('packet.h', 'packet->icmp_type <= 5)', 'packet->icmp_type <= 4)'),
  'pods may report on others over IPv6': change(
    'packet.h',
    'destination[2] == packet->source[2] && destination[3] == packet->source[3]',
    'true',
  ),
  'everything tracked passes': change('tracking.h', 'tracking.info == IP_CT_IS_REPLY;', 'true;'),
  'IPv4 of any version': change('packet.h', '!ip || ip->version != 4', '!ip'),
  'IPv6 of any version': change('packet.h', '!ip || ip->version != 6', '!ip'),
  'IPv4 headers of any length': change('packet.h', 'header_length < sizeof(*ip) || ', ''),
  'IPv4 headers longer than the packet': change('packet.h', 'header_length > packet->length ||', ''),
  'options are not skipped': change(
    'packet.h',
    'read_transport(data, header_length, packet)',
    'read_transport(data, 20, packet)',
  ),
  'later fragments are judged': change('packet.h', '(bpf_ntohs(ip->frag_off) & 0x1fff) || ', ''),
  'first fragments are dropped': change('packet.h', '& 0x1fff', '& 0x3fff'),
  'later fragments are judged over IPv6': change('packet.h', '& 0xfff8) != 0', '& 0xfff8) == 1'),
  'transport headers may be cut short': change(
    'packet.h',
    'if (offset + needed > packet->length)',
    'if (false)',
  ),
  'the source port is judged': change(
    'packet.h',
    'packet->port = start[2] << 8 | start[3]',
    'packet->port = start[0] << 8 | start[1]',
  ),
  'SCTP has no ports': change('packet.h', ' || protocol == IPPROTO_SCTP', ''),
  'extension headers are not stepped over': change(
    'packet.h',
    '#define EXTENSION_HEADERS_MAX 6',
    '#define EXTENSION_HEADERS_MAX 0',
  ),
  'extension headers without end': change(
    'packet.h',
    '#define EXTENSION_HEADERS_MAX 6',
    '#define EXTENSION_HEADERS_MAX 9',
  ),
  'extension headers of a fixed length': change('packet.h', '(header[1] + 1) * 8', '8'),
  'fragment headers have a length': change('packet.h', '*offset += 8;', '*offset += (header[1] + 2) * 8;'),
  'extension headers may be cut short': change(
    'packet.h',
    '		if (!header)\n			return false;\n',
    '		if (!header)\n			return true;\n',
  ),
  'extension headers may reach beyond the packet': change(
    'packet.h',
    'offset > packet->length || !read_transport',
    '!read_transport',
  ),
  'IPv6 addresses are the same if their first words are': change(
    'packet.h',
    'return packet->family == 4 ||\n',
    'return true ||\n',
  ),
  'nobody is the same': change('bulkhead.bpf.c', 'same_addresses(packet) && ', 'false && '),
  'everybody is the same': change('bulkhead.bpf.c', 'same_addresses(packet) && ', ''),
  'discovery is forwarded': change(
    'bulkhead.bpf.c',
    '	if (hook == HOOK_LOCAL_IN)\n		return is_host',
    '	if (is_host_discovery(packet))\n		return is_host',
  ),
  'discovery is judged': change(
    'bulkhead.bpf.c',
    'is_host_discovery(packet) ? REASON_NEIGHBOUR_DISCOVERY : REASON_NONE',
    'REASON_NONE',
  ),
  'discovery from any distance': change('judge.h', 'return packet->hop_limit == 255;', 'return true;'),
  'listener reports from any distance': change('judge.h', 'return packet->hop_limit == 1;', 'return true;'),
  'listener reports are judged': change('judge.h', '	case LISTENER_REPORT_V2:\n', ''),
  'pods may redirect': change('judge.h', ' || packet->icmp_type == REDIRECT', ''),
  'pods may advertise routers': change('judge.h', 'packet->icmp_type == ROUTER_ADVERTISEMENT || ', ''),
  'nobody may advertise routers': change(
    'judge.h',
    'source.role == ROLE_LOCAL_POD && is_router',
    'is_router',
  ),
  'unprogrammed sources pass': change('judge.h', 'source.identity == IDENTITY_UNPROGRAMMED || ', ''),
  'unprogrammed destinations pass': change(
    'judge.h',
    'destination.identity == IDENTITY_UNPROGRAMMED',
    'false',
  ),
  'malformed packets to pods are judged': change(
    'judge.h',
    '	if (destination->role != ROLE_LOCAL_POD)\n		return decision(REASON_NO_SUBJECT, true);\n	if (packet->malformed)\n		return decision(REASON_MALFORMED, false);\n',
    '	if (destination->role != ROLE_LOCAL_POD)\n		return decision(REASON_NO_SUBJECT, true);\n',
  ),
  'malformed packets from pods are judged': change(
    'judge.h',
    '	if (source->role != ROLE_LOCAL_POD)\n		return decision(REASON_NO_SUBJECT, true);\n	if (packet->malformed)\n		return decision(REASON_MALFORMED, false);\n',
    '	if (source->role != ROLE_LOCAL_POD)\n		return decision(REASON_NO_SUBJECT, true);\n',
  ),
  'the node is trusted wherever it comes from': change(
    'judge.h',
    '	if (destination->role != ROLE_LOCAL_POD)\n',
    '	if (source->role == ROLE_LOCAL_NODE || destination->role != ROLE_LOCAL_POD)\n',
  ),
  'egress is not judged': change(
    'judge.h',
    'return decide(source->egress_set, destination->identity, packet);',
    'return decision(REASON_NOT_ISOLATED, true);',
  ),
  'ingress is not judged': change(
    'judge.h',
    'return decide(destination->ingress_set, source->identity, packet);',
    'return decision(REASON_NOT_ISOLATED, true);',
  ),
  'egress is judged as ingress': change(
    'judge.h',
    'decide(source->egress_set, destination->identity',
    'decide(source->ingress_set, destination->identity',
  ),
  'peers of ingress are the subjects': change(
    'judge.h',
    'decide(destination->ingress_set, source->identity',
    'decide(destination->ingress_set, destination->identity',
  ),
  'prefixes are not asked': change('addresses.h', 'i < 16 && spans', 'i < 1 && spans'),
  'prefixes are not asked over IPv6': change(
    'addresses.h',
    '= entry->spans[word];',
    '= word == 3 ? entry->spans[word] : 0;',
  ),
  'no class for anyone': change('lookup.h', 'found = find_class(set, 0);', 'found = 0;'),
  'the shortest prefix decides': change(
    'lookup.h',
    '__u32 span = spans & -spans;',
    '__u32 span = spans >= 256 ? 256 : spans & -spans;',
  ),
  'ports are not masked': change('lookup.h', 'port & ~(span - 1)', 'port'),
  'protocols are mixed up': change(
    'lookup.h',
    'protocol << PORT_KEY_PROTOCOL',
    'IPPROTO_TCP << PORT_KEY_PROTOCOL',
  ),
  'any protocol is not asked': change('lookup.h', 'if (found & SPAN_ANY)', 'if (false)'),
  'what nothing matches passes': change(
    'lookup.h',
    '	return OUTCOME(0, REASON_DEFAULT_DENY, 0);\n}\n\nstatic __always_inline struct decision',
    '	return OUTCOME(0, REASON_DEFAULT_DENY, 1);\n}\n\nstatic __always_inline struct decision',
  ),
  'who has no class passes': change(
    'lookup.h',
    'found = find_class(set, 0);',
    'found = find_class(set, 0);\n	if (!found)\n		return OUTCOME(0, REASON_NOT_ISOLATED, 1);',
  ),
  'denying entries allow': change(
    'lookup.h',
    'return OUTCOME(slot->rule, REASON_RULE, slot->allow);',
    'return OUTCOME(slot->rule, REASON_RULE, 1);',
  ),
  'one direction is enough': change(
    'verdict.h',
    'verdict->egress.allowed && verdict->ingress.allowed',
    'verdict->egress.allowed || verdict->ingress.allowed',
  ),
};

describe.skipIf(!isRoot || !hasClang)('[root] a guard taken out is noticed', () => {
  test.each(Object.entries(mutations))('%s', async (_, mutation) => {
    expect(await withObject([mutation], noticed)).not.toEqual([]);
  });

  test('the sources as they are', async () => {
    expect(await withObject([], noticed)).toEqual([]);
  });
});

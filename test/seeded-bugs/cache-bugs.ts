/** The verdicts that the programs keep for later packets, kept or used wrongly. */
import { inProgram } from './seeded-bug.ts';
import type { SeededBugs } from './seeded-bug.ts';

export const cacheBugs: SeededBugs = {
  'an entry is good for ever': inProgram('cache.h', 'content->epoch != epoch ||', ''),
  'an entry is good for its copy of the tables': inProgram(
    'cache.h',
    'content->epoch != epoch',
    '((content->epoch ^ epoch) & 1)',
  ),
  'both hooks are the same': inProgram('cache.h', 'content->hook != hook ||', ''),
  'both families are the same': inProgram('cache.h', ' content->family != packet->family ||', ''),
  'all protocols are the same': inProgram('cache.h', 'content->protocol != packet->protocol ||', ''),
  'all ports are the same': inProgram('cache.h', ' content->port != packet->port ||', ''),
  'all sources are the same': inProgram(
    'cache.h',
    '!same_words(content->source, packet->source, packet->family) ||',
    '',
  ),
  'all destinations are the same': inProgram(
    'cache.h',
    '!same_words(content->destination, packet->destination, packet->family) ||',
    '',
  ),
  'IPv6 addresses are the same if their first words are': inProgram('cache.h', '(family == 4 ||', '(true ||'),
  'what an interface lets in does not matter': inProgram(
    'cache.h',
    '(content->local_pods & pods) != pods',
    'false',
  ),
  'everybody is a local pod': inProgram(
    'cache.h',
    'content->local_pods = verdict->local_pods;',
    'content->local_pods = SOURCE_IS_LOCAL_POD | DESTINATION_IS_LOCAL_POD;',
  ),
  'ICMP is kept': inProgram('cache.h', 'has_ports(packet->protocol) && ', ''),
  'what is malformed is taken for what is not': inProgram('cache.h', ' && !packet->malformed', ''),
  'denials are kept': inProgram(
    'bulkhead.bpf.c',
    'cacheable && verdict_allows(&verdict) && ',
    'cacheable && ',
  ),
  'what opens connections is kept': inProgram('bulkhead.bpf.c', ' && is_established(tracking))', ')'),
  'nothing is kept': inProgram('bulkhead.bpf.c', ' && is_established(tracking))', ' && false)'),
  'nothing is used': inProgram('cache.h', 'return entry->sequence == sequence;', 'return false;'),
  'half of an entry is used': inProgram(
    'cache.h',
    '	if ((sequence & 1) || content->epoch',
    '	if (content->epoch',
  ),
  'two write the same entry': inProgram('cache.h', '	if ((sequence & 1) || !__sync', '	if (!__sync'),
  'the rules change places': inProgram(
    'cache.h',
    'verdict->ingress.rule = content->ingress_rule',
    'verdict->ingress.rule = content->egress_rule',
  ),
  'the reason is lost': inProgram(
    'cache.h',
    'decision(content->ingress_reason, true)',
    'decision(REASON_NONE, true)',
  ),
};

/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The lookups that compiler/program.ts describes. */
#ifndef BULKHEAD_LOOKUP_H
#define BULKHEAD_LOOKUP_H

#include "hash.h"
#include "packet.h"
#include "tables.h"

/* What a direction's table lookup decides, in a register: rule, reason and allow. */
#define OUTCOME(rule, reason, allow) ((__u64)(rule) << 32 | (__u64)(reason) << 8 | (allow))

/*
 * Functions that are not static are looked at by the verifier once, and not for each way that leads to them.
 *
 * The class in the upper half and its spans in the lower; 0: there is none, as no class has this number.
 */
__noinline __u64 find_class(__u32 set, __u32 identity)
{
	__u64 key = (__u64)set << 32 | identity;
	__u32 home = hash_key(key);

	for (int i = 0; i < WINDOW; i++) {
		__u32 index = (home + i) & (options.classes - 1);
		const struct class_line *line = bpf_map_lookup_elem(&classes, &index);

		if (!line)
			return 0;
#pragma unroll
		for (int j = 0; j < SLOTS; j++) {
			const struct class_slot *slot = &line->slots[j];
			__u64 held = *(const volatile __u64 *)&slot->key;

			if (held == key)
				return (__u64)slot->class << 32 | slot->spans;
			if (!held)
				return 0;
		}
	}
	return 0;
}

static __always_inline __u64 outcome_of(const struct port_slot *slot)
{
	if (!slot->rule)
		return OUTCOME(0, slot->allow ? REASON_NOT_ISOLATED : REASON_DEFAULT_DENY, slot->allow);
	return OUTCOME(slot->rule, REASON_RULE, slot->allow);
}

/* `prefix`: of protocol and port, as in the key. 0: there is no such row. */
__noinline __u64 find_port(__u32 class, __u32 prefix)
{
	__u64 key = (__u64)class << 32 | PORT_KEY | prefix;
	__u32 home = hash_key(key);

	for (int i = 0; i < WINDOW; i++) {
		__u32 index = (home + i) & (options.ports - 1);
		const struct port_line *line = bpf_map_lookup_elem(&ports, &index);

		if (!line)
			return 0;
#pragma unroll
		for (int j = 0; j < SLOTS; j++) {
			__u64 held = *(const volatile __u64 *)&line->slots[j].key;

			if (held == key)
				return outcome_of(&line->slots[j]);
			if (!held)
				return 0;
		}
	}
	return 0;
}

/* set and identity → class; class, protocol and port → outcome, longest prefix first, any protocol last. */
__noinline __u64 lookup_outcome(__u32 set, __u32 identity, __u32 protocol, __u32 port)
{
	__u64 found = find_class(set, identity);
	__u32 class, spans;

	if (!found)
		found = find_class(set, 0);
	class = found >> 32;
	spans = has_ports(protocol) ? (__u32)found & ~SPAN_ANY : 0;
	for (int i = 0; i < SPAN_LENGTHS && spans; i++) {
		__u32 span = spans & -spans;
		__u64 outcome =
			find_port(class, protocol << PORT_KEY_PROTOCOL | (port & ~(span - 1)) << 1 | span);

		if (outcome)
			return outcome;
		spans ^= span;
	}
	if (found & SPAN_ANY) {
		__u64 outcome = find_port(class, 0);

		if (outcome)
			return outcome;
	}
	return OUTCOME(0, REASON_DEFAULT_DENY, 0);
}

static __always_inline struct decision decide(__u32 set, __u32 identity, const struct packet *packet)
{
	struct decision result = { .set = set };
	__u64 outcome;

	if (!set)
		return decision(REASON_NOT_ISOLATED, true);
	outcome = lookup_outcome(set, identity, packet->protocol, packet->port);
	result.rule = outcome >> 32;
	result.reason = outcome >> 8;
	result.allowed = outcome & 1;
	return result;
}

#endif

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
 * Functions that are not static are looked at by the verifier once, and not for each way that leads to them. But where returns are
 * guarded against misprediction, as the kernel does on many processors, a call costs as much as several looks into a
 * table; so what most packets need is without.
 */

/* The class, or the number of its list, or the outcome of its only entry, in the upper half, and its spans in the lower. */
static __always_inline __u64 class_found(const struct class_slot *slot)
{
	return (__u64)slot->class << 32 | slot->spans;
}

/* 0: there is none, or nothing in it. */
__noinline __u64 find_class(__u64 key, __u32 home)
{
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
				return class_found(slot);
			if (!held)
				return 0;
		}
	}
	return 0;
}

/* As find_class, which is asked if the first slot does not settle it. */
static __always_inline __u64 class_of(__u32 set, __u32 identity)
{
	__u64 key = (__u64)set << 32 | identity;
	__u32 home = hash_key(key) & (options.classes - 1);
	const struct class_line *line = bpf_map_lookup_elem(&classes, &home);
	__u64 held;

	if (!line)
		return 0;
	held = *(const volatile __u64 *)&line->slots[0].key;
	if (held == key)
		return class_found(&line->slots[0]);
	return held ? find_class(key, home) : 0;
}

static __always_inline __u64 outcome_of(__u32 rule, bool allow)
{
	if (!rule)
		return OUTCOME(0, allow ? REASON_NOT_ISOLATED : REASON_DEFAULT_DENY, allow);
	return OUTCOME(rule, REASON_RULE, allow);
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
				return outcome_of(line->slots[j].rule, line->slots[j].allow);
			if (!held)
				return 0;
		}
	}
	return 0;
}

/* What the prefixes of lists are compared with. */
static __always_inline __u32 wanted_port(__u32 protocol, __u32 port)
{
	return has_ports(protocol) ? protocol << PORT_KEY_PROTOCOL | (port & 0xffff) << 1 : PORT_NONE;
}

/* Equal above the lowest set bit of the prefix. */
static __always_inline bool is_within(__u32 wanted, __u32 prefix)
{
	return !((wanted ^ prefix) & (prefix ^ -prefix));
}

static __always_inline __u64 outcome_listed(__u32 outcome)
{
	return outcome_of(outcome >> 1, outcome & 1);
}

static __always_inline __u64 find_in_list(__u32 index, __u32 protocol, __u32 port)
{
	__u32 wanted = wanted_port(protocol, port);
	__u32 zero = 0;
	const struct port_list *list = bpf_map_lookup_elem(&port_lists, &zero);

	if (!list || index >= options.port_lists)
		return 0;
	list += index;
#pragma unroll
	for (int i = 0; i < PORTS_OF_LIST; i++) {
		if (is_within(wanted, list->entries[i].prefix))
			return outcome_listed(list->entries[i].outcome);
	}
	return 0;
}

/* Longest prefix first, any protocol last. 0: none. */
__noinline __u64 find_by_length(__u32 class, __u32 all_spans, __u32 protocol, __u32 port)
{
	__u32 spans = has_ports(protocol) ? all_spans & ~SPAN_ANY : 0;

	for (int i = 0; i < SPAN_LENGTHS && spans; i++) {
		__u32 span = spans & -spans;
		__u64 outcome =
			find_port(class, protocol << PORT_KEY_PROTOCOL | (port & ~(span - 1)) << 1 | span);

		if (outcome)
			return outcome;
		spans ^= span;
	}
	return all_spans & SPAN_ANY ? find_port(class, 0) : 0;
}

/* set and identity → class; class, protocol and port → outcome. */
static __always_inline __u64 lookup_outcome(__u32 set, __u32 identity, __u32 protocol, __u32 port)
{
	__u64 found = class_of(set, identity);
	__u32 spans;

	if (!found)
		found = class_of(set, 0);
	spans = found;
	if (spans & SPAN_ONE)
		found = is_within(wanted_port(protocol, port), spans ^ SPAN_ONE) ? outcome_listed(found >> 32) : 0;
	else if (spans & SPAN_LIST)
		found = find_in_list(found >> 32, protocol, port);
	else
		found = find_by_length(found >> 32, spans, protocol, port);
	return found ? found : OUTCOME(0, REASON_DEFAULT_DENY, 0);
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

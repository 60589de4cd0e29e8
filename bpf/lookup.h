/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The lookups that compiler/program.ts describes. */
#ifndef BULKHEAD_LOOKUP_H
#define BULKHEAD_LOOKUP_H

#include "packet.h"
#include "tables.h"

/* What a direction's table lookup decides, in a register: rule, reason and allow. */
#define OUTCOME(rule, reason, allow) ((__u64)(rule) << 32 | (__u64)(reason) << 8 | (allow))

static __always_inline struct address_value identity_only(const struct cidr_value *cidr)
{
	struct address_value value = { .role = ROLE_REMOTE };

	if (cidr)
		value.identity = cidr->identity;
	return value;
}

/* Exact address, else longest prefix, else identity 0. */
static __always_inline struct address_value lookup_address(__u8 family, const __be32 *address, __u32 version)
{
	if (family == 4) {
		struct address4_key key = { .address = address[0], .version = version };
		struct cidr4_key cidr = { .prefix_length = 64, .version = version, .address = address[0] };
		const struct address_value *exact = bpf_map_lookup_elem(&addresses4, &key);

		return exact ? *exact : identity_only(bpf_map_lookup_elem(&cidrs4, &cidr));
	}

	struct address6_key key = { .version = version };
	const struct address_value *exact;

	__builtin_memcpy(key.address, address, 16);
	exact = bpf_map_lookup_elem(&addresses6, &key);
	if (exact)
		return *exact;

	struct cidr6_key cidr = { .prefix_length = 160, .version = version };

	__builtin_memcpy(cidr.address, address, 16);
	return identity_only(bpf_map_lookup_elem(&cidrs6, &cidr));
}

static __always_inline __u64 outcome_of(const struct port_value *entry)
{
	if (!entry->rule)
		return OUTCOME(0, entry->allow ? REASON_NOT_ISOLATED : REASON_DEFAULT_DENY, entry->allow);
	return OUTCOME(entry->rule, REASON_RULE, entry->allow);
}

/*
 * set and identity → class; class, protocol and port → outcome, longest prefix first, any protocol last. Not static,
 * so that the verifier looks at it once and not at every call.
 */
__noinline __u64 lookup_outcome(__u32 set, __u32 identity, __u32 protocol, __u32 port)
{
	struct class_key key = { .set = set, .identity = identity };
	const struct class_value *class = bpf_map_lookup_elem(&classes, &key);
	const struct port_value *entry;
	__u32 spans;

	if (!class) {
		key.identity = 0;
		class = bpf_map_lookup_elem(&classes, &key);
		if (!class)
			return OUTCOME(0, REASON_DEFAULT_DENY, 0);
	}

	struct port_key wanted = { .class = class->class, .protocol = protocol };

	spans = has_ports(protocol) ? class->spans & ~SPAN_ANY : 0;
	for (int i = 0; i < SPAN_LENGTHS && spans; i++) {
		wanted.span = spans & -spans;
		wanted.port = port & ~(wanted.span - 1);
		entry = bpf_map_lookup_elem(&ports, &wanted);
		if (entry)
			return outcome_of(entry);
		spans ^= wanted.span;
	}
	if (!(class->spans & SPAN_ANY))
		return OUTCOME(0, REASON_DEFAULT_DENY, 0);
	wanted.span = 0;
	wanted.port = 0;
	wanted.protocol = 0;
	entry = bpf_map_lookup_elem(&ports, &wanted);
	return entry ? outcome_of(entry) : OUTCOME(0, REASON_DEFAULT_DENY, 0);
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

/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Judging a packet that is no reply: who is it from, who is it for, and may it be. */
#ifndef BULKHEAD_JUDGE_H
#define BULKHEAD_JUDGE_H

#include "addresses.h"
#include "lookup.h"
#include "options.h"
#include "test-flows.h"

/* A verdict takes less than a microsecond, a commit more: a second try all but always meets a quiet table. */
#define JUDGE_TRIES 3

/* ICMPv6 types, RFC 4861 and 3810. */
#define ROUTER_SOLICITATION 133
#define ROUTER_ADVERTISEMENT 134
#define NEIGHBOUR_SOLICITATION 135
#define NEIGHBOUR_ADVERTISEMENT 136
#define REDIRECT 137
#define LISTENER_REPORT 131
#define LISTENER_DONE 132
#define LISTENER_REPORT_V2 143

#define LOOPBACK_IFINDEX 1

static __always_inline bool is_pod_interface(const struct net_device *device)
{
	__u64 name;

	if (!options.pod_interface_mask)
		return false;
	name = *(__u64 *)__builtin_preserve_access_index(&device->name);
	return (name & options.pod_interface_mask) == options.pod_interface_name;
}

static __always_inline struct links links_of(enum hook hook, const struct nf_hook_state *state)
{
	struct links links = {
		.from_pod = is_pod_interface(state->in),
		.to_pod = hook == HOOK_FORWARD && is_pod_interface(state->out),
	};

	return links;
}

static __always_inline bool is_icmpv6(const struct packet *packet)
{
	return packet->family == 6 && packet->protocol == IPPROTO_ICMPV6 && !packet->malformed;
}

/* What a host has to say to its router so that IPv6 works at all. Hop limit 255: it can't come from farther away. */
static __always_inline bool is_host_discovery(const struct packet *packet)
{
	if (!is_icmpv6(packet))
		return false;
	switch (packet->icmp_type) {
	case ROUTER_SOLICITATION:
	case NEIGHBOUR_SOLICITATION:
	case NEIGHBOUR_ADVERTISEMENT:
		return packet->hop_limit == 255;
	case LISTENER_REPORT:
	case LISTENER_DONE:
	case LISTENER_REPORT_V2:
		return packet->hop_limit == 1;
	default:
		return false;
	}
}

/* What only a router may say, and a pod is none: it would redirect the node's traffic. */
static __always_inline bool is_router_discovery(const struct packet *packet)
{
	return is_icmpv6(packet) &&
	       (packet->icmp_type == ROUTER_ADVERTISEMENT || packet->icmp_type == REDIRECT);
}

static __always_inline struct decision judge_egress(const struct packet *packet, const struct subject *source,
						    const struct subject *destination)
{
	if (source->role != ROLE_LOCAL_POD)
		return decision(REASON_NO_SUBJECT, true);
	if (packet->malformed)
		return decision(REASON_MALFORMED, false);
	return decide(source->egress_set, destination->identity, packet);
}

static __always_inline struct decision judge_ingress(const struct packet *packet, const struct subject *source,
						     const struct subject *destination)
{
	if (destination->role != ROLE_LOCAL_POD)
		return decision(REASON_NO_SUBJECT, true);
	if (packet->malformed)
		return decision(REASON_MALFORMED, false);
	return decide(destination->ingress_set, source->identity, packet);
}

static __always_inline struct verdict verdict_of(enum hook hook, const struct packet *packet, struct links links,
						 __u32 version)
{
	struct subject source = lookup_address(packet->family, packet->source, version);
	struct subject destination = {};
	__u8 missing;
	struct verdict verdict = { .ingress = decision(REASON_NO_SUBJECT, true) };

	/*
	 * A router reports on what others send to each other; a host on what was sent to itself, and a pod is a host. Its
	 * own node sees to that, since others can't tell what is a pod.
	 */
	if (packet->reports_on_others && (links.from_pod || source.role == ROLE_LOCAL_POD)) {
		verdict.egress = decision(REASON_MALFORMED, false);
		return verdict;
	}
	if (packet->related) {
		verdict.egress = decision(REASON_RELATED, true);
		return verdict;
	}
	if (hook == HOOK_FORWARD || source.role == ROLE_LOCAL_POD)
		destination = lookup_address(packet->family, packet->destination, version);
	if (ends_after(STAGE_ADDRESSES)) {
		verdict.egress = decision(REASON_NO_SUBJECT, true);
		return verdict;
	}
	verdict.local_pods = (source.role == ROLE_LOCAL_POD ? SOURCE_IS_LOCAL_POD : 0) |
			     (destination.role == ROLE_LOCAL_POD ? DESTINATION_IS_LOCAL_POD : 0);
	missing = required_pods(packet, links) & ~verdict.local_pods;
	if (source.identity == IDENTITY_UNPROGRAMMED || (missing & SOURCE_IS_LOCAL_POD)) {
		verdict.egress = decision(REASON_UNPROGRAMMED, false);
		return verdict;
	}
	/* Who that will be is not known yet, so neither is what egress rules have to say of it. */
	if ((hook == HOOK_FORWARD && destination.identity == IDENTITY_UNPROGRAMMED) ||
	    (missing & DESTINATION_IS_LOCAL_POD)) {
		verdict.egress = decision(REASON_NONE, true);
		verdict.ingress = decision(REASON_UNPROGRAMMED, false);
		return verdict;
	}
	if (hook == HOOK_LOCAL_IN && source.role == ROLE_LOCAL_POD && is_router_discovery(packet)) {
		verdict.egress = decision(REASON_NEIGHBOUR_DISCOVERY, false);
		return verdict;
	}
	verdict.egress = judge_egress(packet, &source, &destination);
	if (hook == HOOK_FORWARD && verdict.egress.allowed)
		verdict.ingress = judge_ingress(packet, &source, &destination);
	return verdict;
}

/*
 * Not static, so that the verifier looks at it by itself: inlined, it would be gone through for each try and for each
 * way that leads here, and loading would take seconds. False only
 * for pointers that the verifier must believe to be possible.
 */
__noinline int judge_version(struct verdict *verdict, const struct packet *packet, const struct links *links, __u32 hook,
			     __u32 version)
{
	if (!verdict || !packet || !links)
		return 0;
	*verdict = verdict_of(hook, packet, *links, version);
	return 1;
}

/*
 * Judges against one version of the tables as a whole. User space writes only what the current epoch does not reach,
 * so if the epoch is the same after the lookups as before them, all of them saw that epoch's tables; if not, what
 * they saw may be anything (entries are recycled at once), and it is thrown away.
 */
static __always_inline struct verdict judge_tables(enum hook hook, const struct packet *packet, struct links links,
						   const volatile struct control *control)
{
	struct verdict verdict = {};

	for (int i = 0; i < JUDGE_TRIES; i++) {
		__u32 epoch = control->epoch;

		keep_order();
		if (!judge_version(&verdict, packet, &links, hook, epoch & 1))
			break;
		keep_order();
		verdict.epoch = epoch;
		if (control->epoch == epoch)
			return verdict;
	}
	/* Of what was thrown away nothing may be counted or told. */
	verdict.egress = decision(REASON_NONE, false);
	verdict.ingress = decision(REASON_NONE, false);
	return verdict;
}

#endif

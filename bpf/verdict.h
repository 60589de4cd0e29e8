/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What a judgement consists of: one decision per direction. */
#ifndef BULKHEAD_VERDICT_H
#define BULKHEAD_VERDICT_H

#include "kernel.h"

/* The numbers are those of `reasons` in src/datapath/datapath.ts; a test compares them. */
enum reason {
	/*
	 * Denied: the tables changed under the packet each time it was judged; its sender will send it again. Allowed: this
	 * direction was not asked, since the other one denied without.
	 */
	REASON_NONE = 0,
	/* An entry of a port table matched. */
	REASON_RULE = 1,
	/* The subject has no rules in this direction. */
	REASON_NOT_ISOLATED = 2,
	/* The subject has rules, and none matched. */
	REASON_DEFAULT_DENY = 3,
	/* Reply direction of a tracked flow. */
	REASON_REPLY = 4,
	/* ICMP error about a tracked flow. */
	REASON_RELATED = 5,
	/* A pod to itself. */
	REASON_SELF = 6,
	/* The node to its own pod. */
	REASON_NODE = 7,
	/* An address of the pod range that nobody has, or by a pod's interface from or to an address that is no pod's. */
	REASON_UNPROGRAMMED = 8,
	/* The headers that a verdict needs can't be read, or a pod's ICMP error is about what was not sent to it. */
	REASON_MALFORMED = 9,
	/* IPv6 neighbour discovery and multicast listener reports between a pod and its node. */
	REASON_NEIGHBOUR_DISCOVERY = 10,
	/* This direction has no local pod to enforce for. */
	REASON_NO_SUBJECT = 11,
	REASON_COUNT
};

enum hook {
	HOOK_FORWARD = 0,
	HOOK_LOCAL_IN = 1,
};

struct decision {
	__u32 rule;
	__u32 set;
	__u8 reason;
	bool allowed;
};

#define SOURCE_IS_LOCAL_POD 1
#define DESTINATION_IS_LOCAL_POD 2

/* Whether a packet comes in, and goes out, by an interface that a pod is behind. */
struct links {
	bool from_pod;
	bool to_pod;
};

struct verdict {
	struct decision egress;
	struct decision ingress;
	/* Of the tables that say so. */
	__u32 epoch;
	__u8 local_pods;
};

static __always_inline struct decision decision(enum reason reason, bool allowed)
{
	struct decision result = { .reason = reason, .allowed = allowed };

	return result;
}

static __always_inline bool verdict_allows(const struct verdict *verdict)
{
	return verdict->egress.allowed && verdict->ingress.allowed;
}

/* The direction that a packet is counted under: the one that denied, else the one that had somebody to enforce for. */
static __always_inline enum reason verdict_reason(const struct verdict *verdict)
{
	if (!verdict->egress.allowed || verdict->ingress.reason == REASON_NO_SUBJECT)
		return verdict->egress.reason;
	return verdict->ingress.reason;
}

#endif

/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the kernel's connection tracking knows of a packet. */
#ifndef BULKHEAD_TRACKING_H
#define BULKHEAD_TRACKING_H

#include "options.h"
#include "packet.h"

/* uapi/linux/netfilter/nf_conntrack_common.h */
#define IP_CT_ESTABLISHED 0
#define IP_CT_RELATED 1
#define IP_CT_NEW 2
#define IP_CT_IS_REPLY 3
#define NFCT_INFO_MASK 7ul
#define IPS_CONFIRMED (1ul << 3)

struct tracking {
	/* 0: untracked, or conntrack is off. */
	unsigned long connection;
	__u8 info;
};

static __always_inline struct tracking tracking_of(struct sk_buff *skb)
{
	unsigned long nfct = options.test_tracking ? options.test_tracking : skb->_nfct;
	struct tracking tracking = { .connection = nfct & ~NFCT_INFO_MASK, .info = nfct & NFCT_INFO_MASK };

	return tracking;
}

static __always_inline bool is_reply(struct tracking tracking)
{
	return tracking.connection && tracking.info == IP_CT_IS_REPLY;
}

/*
 * An ICMP error about a tracked flow. Conntrack has checked that the quoted packet belongs to the flow and that the
 * error goes to the quoted sender. Other related packets are connections that a helper expects: judged like new ones.
 */
static __always_inline bool is_related_error(struct tracking tracking, const struct packet *packet)
{
	if (!tracking.connection || packet->malformed ||
	    (tracking.info != IP_CT_RELATED && tracking.info != IP_CT_RELATED + IP_CT_IS_REPLY))
		return false;
	if (packet->family == 4)
		/* Destination unreachable, time exceeded, parameter problem. */
		return packet->protocol == IPPROTO_ICMP &&
		       (packet->icmp_type == 3 || packet->icmp_type == 11 || packet->icmp_type == 12);
	/* RFC 4443 §2.1: errors are the types below 128. */
	return packet->protocol == IPPROTO_ICMPV6 && packet->icmp_type < 128;
}

/* The packet that opens a connection: conntrack confirms the entry once it has passed every hook. */
static __always_inline bool opens_connection(struct tracking tracking)
{
	struct nf_conn *connection = (struct nf_conn *)tracking.connection;
	unsigned long status = 0;

	if (!connection || tracking.info != IP_CT_NEW)
		return false;
	if (options.test_tracking)
		return true;
	bpf_core_read(&status, sizeof(status), &connection->status);
	return !(status & IPS_CONFIRMED);
}

/* Packets of a connection that conntrack has confirmed; not what opens one or is related to one. */
static __always_inline bool is_established(struct tracking tracking)
{
	if (!tracking.connection)
		return false;
	return tracking.info == IP_CT_ESTABLISHED || tracking.info == IP_CT_IS_REPLY ||
	       (tracking.info == IP_CT_NEW && !opens_connection(tracking));
}

#endif

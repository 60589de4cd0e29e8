/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What a verdict needs to know of a packet, read from headers that nobody vouches for. */
#ifndef BULKHEAD_PACKET_H
#define BULKHEAD_PACKET_H

#include "kernel.h"
#include "verdict.h"
#include <bpf/bpf_endian.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

/* RFC 8200 §4.1 lets each occur once, destination options twice; anything longer is an attack. */
#define EXTENSION_HEADERS_MAX 6

struct packet {
	/* IPv4 in the first word. */
	__be32 source[4];
	__be32 destination[4];
	__u32 length;
	/* Host order; 0 for protocols without ports. */
	__u16 source_port;
	__u16 port;
	__u8 family;
	__u8 protocol;
	__u8 hop_limit;
	/* Only for ICMP and ICMPv6. */
	__u8 icmp_type;
	/* The addresses are known, the transport header is not. */
	bool malformed;
	/* Source and destination stand the other way round than in the packet: it answers a flow, which is judged. */
	bool mirrored;
	/* An ICMP error about a tracked flow. */
	bool related;
	/* An ICMP error, and what it quotes was not sent to its own sender. */
	bool reports_on_others;
	/* Where the transport header begins. */
	__u32 transport;
};

static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* Bytes without which the header is no header: RFC 9293, 768, 9260 §3, 792, 4443. */
static __always_inline __u32 transport_header_length(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_SCTP:
		return 12;
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 8;
	default:
		return 0;
	}
}

/* Of the transport header: ports, or the type of ICMP. */
#define TRANSPORT_START 4

/* False if the header is cut short. `start`: how it begins, if that has been read with what is before it. */
static __always_inline bool read_transport(struct bpf_dynptr *data, __u32 offset, const __u8 *start,
					   struct packet *packet)
{
	__u8 protocol = packet->protocol;
	__u32 needed = transport_header_length(protocol);
	__u8 buffer[TRANSPORT_START];

	packet->transport = offset;
	if (!needed)
		return true;
	if (offset + needed > packet->length)
		return false;
	if (!start)
		start = bpf_dynptr_slice(data, offset, buffer, sizeof(buffer));
	if (!start)
		return false;
	if (has_ports(protocol)) {
		packet->source_port = start[0] << 8 | start[1];
		packet->port = start[2] << 8 | start[3];
	} else {
		packet->icmp_type = start[0];
	}
	return true;
}

/* Of a packet without options or extension headers, which most are: read at once, since each slice is a call. */
struct ipv4_start {
	struct iphdr ip;
	__u8 transport[TRANSPORT_START];
};

struct ipv6_start {
	struct ipv6hdr ip;
	__u8 transport[TRANSPORT_START];
};

/* False if not even the addresses can be read. */
static __always_inline bool read_ipv4(struct bpf_dynptr *data, struct packet *packet)
{
	struct ipv4_start buffer;
	const struct ipv4_start *start = NULL;
	const __u8 *transport;
	const struct iphdr *ip;
	__u32 header_length;

	if (packet->length >= sizeof(buffer))
		start = bpf_dynptr_slice(data, 0, &buffer, sizeof(buffer));
	ip = start ? &start->ip : bpf_dynptr_slice(data, 0, &buffer.ip, sizeof(buffer.ip));
	if (!ip || ip->version != 4)
		return false;
	packet->source[0] = ip->saddr;
	packet->destination[0] = ip->daddr;
	packet->protocol = ip->protocol;
	packet->hop_limit = ip->ttl;
	header_length = ip->ihl * 4;
	transport = start && header_length == sizeof(*ip) ? start->transport : NULL;
	/* Conntrack has put fragments together; a later fragment seen here has no ports that could be judged. */
	packet->malformed = header_length < sizeof(*ip) || header_length > packet->length ||
			    (bpf_ntohs(ip->frag_off) & 0x1fff) || !read_transport(data, header_length, transport, packet);
	return true;
}

/* Steps over extension headers to the transport header. False if that can't be done. */
static __always_inline bool skip_extension_headers(struct bpf_dynptr *data, __u32 *offset, __u8 *protocol)
{
	for (int i = 0; i < EXTENSION_HEADERS_MAX; i++) {
		__u8 buffer[4];
		const __u8 *header;

		if (*protocol != IPPROTO_HOPOPTS && *protocol != IPPROTO_ROUTING && *protocol != IPPROTO_DSTOPTS &&
		    *protocol != IPPROTO_FRAGMENT)
			return true;
		header = bpf_dynptr_slice(data, *offset, buffer, sizeof(buffer));
		if (!header)
			return false;
		if (*protocol == IPPROTO_FRAGMENT) {
			/* 13 bits of offset, 2 reserved, 1 more-fragments. */
			if (((header[2] << 8 | header[3]) & 0xfff8) != 0)
				return false;
			*offset += 8;
		} else {
			*offset += (header[1] + 1) * 8;
		}
		*protocol = header[0];
	}
	return *protocol != IPPROTO_HOPOPTS && *protocol != IPPROTO_ROUTING && *protocol != IPPROTO_DSTOPTS &&
	       *protocol != IPPROTO_FRAGMENT;
}

static __always_inline bool read_ipv6(struct bpf_dynptr *data, struct packet *packet)
{
	struct ipv6_start buffer;
	const struct ipv6_start *start = NULL;
	const struct ipv6hdr *ip;
	const __u8 *transport;
	__u32 offset = sizeof(*ip);
	__u8 protocol;

	if (packet->length >= sizeof(buffer))
		start = bpf_dynptr_slice(data, 0, &buffer, sizeof(buffer));
	ip = start ? &start->ip : bpf_dynptr_slice(data, 0, &buffer.ip, sizeof(buffer.ip));
	if (!ip || ip->version != 6)
		return false;
	__builtin_memcpy(packet->source, &ip->saddr, 16);
	__builtin_memcpy(packet->destination, &ip->daddr, 16);
	packet->hop_limit = ip->hop_limit;
	protocol = ip->nexthdr;
	packet->malformed = !skip_extension_headers(data, &offset, &protocol);
	packet->protocol = protocol;
	transport = start && offset == sizeof(*ip) ? start->transport : NULL;
	if (!packet->malformed)
		packet->malformed = offset > packet->length || !read_transport(data, offset, transport, packet);
	return true;
}

static __always_inline bool read_packet(struct sk_buff *skb, __u8 family, struct packet *packet)
{
	struct bpf_dynptr data;

	packet->family = family;
	packet->length = skb->len;
	if (bpf_dynptr_from_skb((struct __sk_buff *)skb, 0, &data))
		return false;
	return family == 4 ? read_ipv4(&data, packet) : read_ipv6(&data, packet);
}

/* Messages that quote the packet that they are about: RFC 792, RFC 4443 §2.1. */
static __always_inline bool is_icmp_error(const struct packet *packet)
{
	if (packet->malformed)
		return false;
	if (packet->family == 6)
		return packet->protocol == IPPROTO_ICMPV6 && packet->icmp_type < 128;
	return packet->protocol == IPPROTO_ICMP &&
	       ((packet->icmp_type >= 3 && packet->icmp_type <= 5) || packet->icmp_type == 11 || packet->icmp_type == 12);
}

/* Of an ICMP error: the quoted packet begins after eight bytes. */
static __always_inline bool quotes_sender(struct sk_buff *skb, const struct packet *packet)
{
	__u32 offset = packet->transport + 8 + (packet->family == 4 ? 16 : 24);
	struct bpf_dynptr data;
	__be32 buffer[4] = {};
	const __be32 *destination;

	if (bpf_dynptr_from_skb((struct __sk_buff *)skb, 0, &data))
		return false;
	if (packet->family == 4) {
		destination = bpf_dynptr_slice(&data, offset, buffer, 4);
		return destination && destination[0] == packet->source[0];
	}
	destination = bpf_dynptr_slice(&data, offset, buffer, 16);
	return destination && destination[0] == packet->source[0] && destination[1] == packet->source[1] &&
	       destination[2] == packet->source[2] && destination[3] == packet->source[3];
}

/* Makes of a reply the packet that it answers. NAT is done and undone alike for both at these hooks. */
static __always_inline void mirror(struct packet *packet)
{
	__u16 port = packet->port;

	for (int i = 0; i < 4; i++) {
		__be32 word = packet->source[i];

		packet->source[i] = packet->destination[i];
		packet->destination[i] = word;
	}
	packet->port = packet->source_port;
	packet->source_port = port;
	packet->mirrored = true;
}

/* Which ends of the flow must be local pods: only they are behind pods' interfaces. */
static __always_inline __u8 required_pods(const struct packet *packet, struct links links)
{
	bool source = packet->mirrored ? links.to_pod : links.from_pod;
	bool destination = packet->mirrored ? links.from_pod : links.to_pod;

	return (source ? SOURCE_IS_LOCAL_POD : 0) | (destination ? DESTINATION_IS_LOCAL_POD : 0);
}

static __always_inline bool same_addresses(const struct packet *packet)
{
	if (packet->source[0] != packet->destination[0])
		return false;
	return packet->family == 4 ||
	       (packet->source[1] == packet->destination[1] && packet->source[2] == packet->destination[2] &&
		packet->source[3] == packet->destination[3]);
}

#endif

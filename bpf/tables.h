/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The tables of one node, as maps. Layouts are repeated in src/datapath/ebpf/layout.ts; a test compares them with this
 * object's BTF. Capacities are set by the loader.
 *
 * The two address tables exist twice in the same map, told apart by `version`: packets read the version that the low
 * bit of the epoch names, user space writes the other one and then advances the epoch. `classes` and `ports` are never
 * changed: an id stands for its content, and what no address leads to is not seen.
 */
#ifndef BULKHEAD_TABLES_H
#define BULKHEAD_TABLES_H

#include "kernel.h"
#include "verdict.h"

/* compiler/tables.ts: unprogrammedIdentity. */
#define IDENTITY_UNPROGRAMMED 0xffffffff

enum role {
	ROLE_LOCAL_POD = 1,
	ROLE_REMOTE = 2,
	ROLE_LOCAL_NODE = 3,
};

struct address_value {
	__u32 identity;
	__u32 ingress_set;
	__u32 egress_set;
	__u32 role;
};

struct address4_key {
	__be32 address;
	__u32 version;
};

struct address6_key {
	__be32 address[4];
	__u32 version;
};

/* `prefix_length` counts the 32 bits of `version` too. */
struct cidr4_key {
	__u32 prefix_length;
	__u32 version;
	__be32 address;
};

struct cidr6_key {
	__u32 prefix_length;
	__u32 version;
	__be32 address[4];
};

struct cidr_value {
	__u32 identity;
};

struct class_key {
	__u32 set;
	__u32 identity;
};

/*
 * Bit n of `spans`: the class has an entry that covers 2^n ports. SPAN_ANY: it has one for any protocol. The lowest set
 * bit is the longest prefix, and its value is the number of ports covered.
 */
struct class_value {
	__u32 class;
	__u32 spans;
};

#define SPAN_ANY (1u << 31)
#define SPAN_LENGTHS 17

struct port_key {
	__u32 class;
	/* Number of ports covered, 1…65536; 0 for any protocol, with port and protocol 0. */
	__u32 span;
	__u16 port;
	__u8 protocol;
	__u8 zero;
};

struct port_value {
	/* 0: no rule, a default decides. */
	__u32 rule;
	__u32 allow;
};

#define CONTROL_ALLOWED_EVENTS 1u

struct control {
	__u32 epoch;
	__u32 flags;
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct address4_key);
	__type(value, struct address_value);
} addresses4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct address6_key);
	__type(value, struct address_value);
} addresses6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct cidr4_key);
	__type(value, struct cidr_value);
} cidrs4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct cidr6_key);
	__type(value, struct cidr_value);
} cidrs6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct class_key);
	__type(value, struct class_value);
} classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct port_key);
	__type(value, struct port_value);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counter);
} rule_counters SEC(".maps");

/* Index: 2 × reason + allowed. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * REASON_COUNT);
	__type(key, __u32);
	__type(value, struct counter);
} reason_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

#endif

/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The tables of one node, as maps. Layouts are repeated in src/datapath/ebpf/layout.ts; a test compares them with this
 * object's BTF. Sizes are set by the loader.
 *
 * What costs time is the first touch of a line of the processor's cache, so tables are arrays of lines, and a line holds as many
 * slots as fit. A row is in the first slot that was free when it came, from the first slot of the line on that its hash
 * names (hash.h), within as many lines as a reader looks through: the window. A free slot ends the search, so a row that goes leaves a
 * mark in its slot unless the slot after it is free. User space writes the lines as memory (slot-table.ts); nothing
 * that the current epoch reaches is ever written:
 *
 * - Addresses and the directories exist twice in their maps. Packets read the copy that the low bit of the epoch
 *   names, user space writes the other one and then advances the epoch. Rows may be half written there.
 * - Classes, ports and subjects are never changed: an id stands for its content, and what no address leads to is not
 *   seen. They are added before the epoch that reaches them, and removed after the last one that does. Meanwhile
 *   packets look through the same lines for other rows. They can't be misled: a key is stored as one word of 64 bits, so a
 *   slot has no key that nobody gave it; and a slot that a reachable row was pushed past is never free, only marked or given to
 *   another row.
 *
 * Who reads while the epoch moves finds out by reading it again (judge.h).
 */
#ifndef BULKHEAD_TABLES_H
#define BULKHEAD_TABLES_H

#include "kernel.h"
#include "verdict.h"

enum role {
	ROLE_LOCAL_POD = 1,
	ROLE_REMOTE = 2,
	ROLE_LOCAL_NODE = 3,
};

/* What fits into a line of 64 bytes, and how many lines a search looks through. */
#define SLOTS6 3
#define SLOTS 4
#define WINDOW6 32
#define WINDOW 24

/* Host order. */
struct address6 {
	__u32 words[4];
};

/*
 * The value of an address or prefix: the identity of somebody elsewhere, or with VALUE_SUBJECT the index of the subject
 * that it is here. VALUE_EXACT, a part of the key, is for what has no bits open. Where that is both an address and a
 * prefix, the address counts, and the prefix is VALUE_SHADOWED, which is a part of the key too, so that nobody finds
 * it. VALUE_OF_PREFIX tells the two apart for user space.
 */
#define VALUE_EXACT (1u << 31)
#define VALUE_SUBJECT (1u << 30)
#define VALUE_SHADOWED (1u << 29)
#define VALUE_OF_PREFIX (1u << 28)
#define VALUE_MASK ((1u << 24) - 1)
#define VALUE_KEY (VALUE_EXACT | VALUE_SHADOWED)

/* compiler/tables.ts: unprogrammedIdentity. */
#define IDENTITY_UNPROGRAMMED VALUE_MASK

/* A pod or address of this node, for all that have the same. */
struct subject {
	__u32 identity;
	__u32 ingress_set;
	__u32 egress_set;
	__u32 role;
};

/*
 * A prefix is its leading bits, a one, and zeros. An address has no bit left for the one: VALUE_EXACT. Host order.
 * All zero: free. SLOT_GONE: somebody was here.
 */
#define SLOT_GONE 1

/* Gone: nothing but SLOT_GONE as value. */
struct slot6 {
	__u32 prefix[4];
	__u32 value;
};

struct line6 {
	struct slot6 slots[SLOTS6];
	__u32 zero;
};

/*
 * Who has an IPv4 address: a tree, walked by the first 16 bits and then four at a time, a line of the processor's cache each.
 * Addresses that are close to each other share lines, so that all pods of a large cluster take little more than the four bytes
 * of each.
 *
 * An entry says who has all the addresses that it stands for: VALUE_SUBJECT and VALUE_MASK, and for user space the length plus
 * one of the prefix that says so, ENTRY4_LENGTH; an address counts as longer than a prefix of 32 bits. Or, with ENTRY4_NODE, it is
 * the number of the node that tells them apart. 0: no prefix of more than 16 bits holds them, so root4.around counts.
 */
#define ENTRY4_NODE (1u << 31)
#define ENTRY4_LENGTH (63u << 24)

struct node4 {
	__u32 entries[16];
};

struct root4 {
	/* Of the longest prefix of at most 16 bits. */
	__u32 around;
	/* 0 or a node. */
	__u32 below;
};

/*
 * By a hash of the first 32 bits: which lengths there may be. Bit n of spans[i]: a prefix ends in word i and leaves n
 * bits of it open. What is shorter than 32 bits is in every entry.
 */
struct directory6_entry {
	__u32 spans[4];
};

#define DIRECTORY6_ENTRIES 4096
/* After the entries of a copy, in a line of its own: the value of the prefix of length 0, for which there is no bit. */
#define DIRECTORY6_REST DIRECTORY6_ENTRIES
#define DIRECTORY6_COPY (DIRECTORY6_ENTRIES + 4)

/*
 * Key: set and identity. 0: free. SLOT_GONE: somebody was here.
 *
 * Bit n of `spans`: the class has an entry that covers 2^n ports. SPAN_ANY: it has one for any protocol. The lowest set
 * bit is the longest prefix, and its value is the number of ports covered. SPAN_LIST: see port_list. SPAN_ONE: it has one entry,
 * whose prefix is the rest of `spans` and whose outcome stands in place of the class, both as in a port_list.
 */
struct class_slot {
	__u64 key;
	__u32 class;
	__u32 spans;
};

struct class_line {
	struct class_slot slots[SLOTS];
};

#define SPAN_ANY (1u << 31)
#define SPAN_LENGTHS 17

/*
 * Key: the class, PORT_KEY, protocol and port prefix, which is its leading bits, a one, and zeros in 17 bits. Any
 * protocol: all zero. 0: free. SLOT_GONE: somebody was here.
 */
struct port_slot {
	__u64 key;
	/* 0: no rule, a default decides. */
	__u32 rule;
	__u32 allow;
};

struct port_line {
	struct port_slot slots[SLOTS];
};

#define PORT_KEY (1u << 31)
#define PORT_KEY_PROTOCOL 17

/*
 * The ports of a class that has few, but more than one: all in one line, so that they are found without a hash. The class's row has SPAN_LIST, and the
 * number of the list in place of the class. The longest prefix comes first; a prefix is as in the key above, and any protocol is
 * one that every packet has. What is not used is a prefix that no packet has.
 */
#define PORTS_OF_LIST 8
#define SPAN_LIST (1u << 30)
/* Looked at first, since the bit of SPAN_LIST may belong to the prefix. */
#define SPAN_ONE (1u << 29)
#define PORT_ANY (1u << 30)
/* Instead of protocol and port, for packets that have none: only PORT_ANY is before it. */
#define PORT_NONE (1u << 29)
#define PORT_UNUSED (1u << 31 | 1)

struct port_list {
	struct {
		__u32 prefix;
		/* 2 × rule + allow. */
		__u32 outcome;
	} entries[PORTS_OF_LIST];
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
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps");

/* One value as large as the table: an index within it needs no call and no look at the map's own size. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct root4) * (2 << 16));
} roots4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct node4));
} nodes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * DIRECTORY6_COPY);
	__type(key, __u32);
	__type(value, struct directory6_entry);
} directory6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct line6);
} addresses6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct subject);
} subjects SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct class_line);
} classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct port_line);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct port_list));
} port_lists SEC(".maps");

/*
 * What each rule decided: of each processor a value as large as all its counters. A per-CPU array would have a pointer to each
 * counter on the way, one more line of memory for each rule that is met.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct counter));
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

import { expect, test } from 'vitest';
import { serviceRules } from '../../../src/lab/network/services.ts';
import { cluster, endpoints, node, pod, service } from './small-cluster.ts';

const n1 = node('n1', '172.18.0.2', 'fd00:18::2');
const a = pod('shop/a', 'n1', '10.244.0.2', 'fd00:244::2');
const b = pod('shop/b', 'n1', '10.244.0.3');

test('one table: ClusterIPs and NodePorts to backends, and refusals where there are none', () => {
  const web = service(
    'shop/web',
    ['10.96.0.20', 'fd00:96::20'],
    [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30080 }],
    { type: 'NodePort' },
  );
  const idle = service(
    'shop/idle',
    ['10.96.0.21'],
    [{ protocol: 'SCTP', port: 9, targetPort: 9, nodePort: 30009 }],
    {
      type: 'NodePort',
    },
  );
  const headless = service('shop/db', [], [{ protocol: 'TCP', port: 5432, targetPort: 5432 }], {
    headless: true,
  });
  const rules = serviceRules(
    cluster({
      nodes: [n1],
      pods: [a, b],
      services: [web, idle, headless],
      endpoints: [...endpoints(web, [a, b]), ...endpoints(idle, []), ...endpoints(headless, [a])],
    }),
    n1,
  );
  expect(rules).toMatchInlineSnapshot(`
    "table inet bulkhead-lab-services
    delete table inet bulkhead-lab-services
    table inet bulkhead-lab-services {
    map services-ip { type ipv4_addr . inet_proto . inet_service : verdict; elements = {
    10.96.0.20 . tcp . 80 : goto ip/shop/web/tcp/80
    } }
    map node-ports-ip { type inet_proto . inet_service : verdict; elements = {
    tcp . 30080 : goto external/ip/shop/web/tcp/80
    } }
    set unserved-node-ports-ip { type inet_proto . inet_service; elements = {
    sctp . 30009
    } }
    set cluster-ips-ip { type ipv4_addr; elements = {
    10.96.0.20,
    10.96.0.21
    } }
    set node-addresses-ip { type ipv4_addr; elements = {
    172.18.0.2
    } }
    set hairpin-ip { type ipv4_addr . ipv4_addr; elements = {
    10.244.0.2 . 10.244.0.2,
    10.244.0.3 . 10.244.0.3
    } }
    map services-ip6 { type ipv6_addr . inet_proto . inet_service : verdict; elements = {
    fd00:96::20 . tcp . 80 : goto ip6/shop/web/tcp/80
    } }
    map node-ports-ip6 { type inet_proto . inet_service : verdict; elements = {
    tcp . 30080 : goto external/ip6/shop/web/tcp/80
    } }
    set unserved-node-ports-ip6 { type inet_proto . inet_service; }
    set cluster-ips-ip6 { type ipv6_addr; elements = {
    fd00:96::20
    } }
    set node-addresses-ip6 { type ipv6_addr; elements = {
    fd00:18::2
    } }
    set hairpin-ip6 { type ipv6_addr . ipv6_addr; elements = {
    fd00:244::2 . fd00:244::2
    } }
    chain ip/shop/web/tcp/80 {
    meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.0.2 . 8080, 1 : 10.244.0.3 . 8080 }
    }
    chain external/ip/shop/web/tcp/80 {
    meta mark set meta mark | 0x4000
    goto ip/shop/web/tcp/80
    }
    chain ip6/shop/web/tcp/80 {
    meta l4proto tcp dnat ip6 to numgen random mod 1 map { 0 : fd00:244::2 . 8080 }
    }
    chain external/ip6/shop/web/tcp/80 {
    meta mark set meta mark | 0x4000
    goto ip6/shop/web/tcp/80
    }
    chain services {
    ip daddr . meta l4proto . th dport vmap @services-ip
    ip daddr @node-addresses-ip meta l4proto . th dport vmap @node-ports-ip
    ip6 daddr . meta l4proto . th dport vmap @services-ip6
    ip6 daddr @node-addresses-ip6 meta l4proto . th dport vmap @node-ports-ip6
    }
    chain refuse {
    meta l4proto tcp reject with tcp reset
    reject
    }
    chain unserved {
    ip daddr @cluster-ips-ip goto refuse
    ip daddr @node-addresses-ip meta l4proto . th dport @unserved-node-ports-ip goto refuse
    ip6 daddr @cluster-ips-ip6 goto refuse
    ip6 daddr @node-addresses-ip6 meta l4proto . th dport @unserved-node-ports-ip6 goto refuse
    }
    chain nat-prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    goto services
    }
    chain nat-output {
    type nat hook output priority -100; policy accept;
    goto services
    }
    chain nat-postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & 0x4000 == 0x4000 meta mark set meta mark ^ 0x4000 masquerade
    ct status dnat ip saddr . ip daddr @hairpin-ip masquerade
    ct status dnat ip6 saddr . ip6 daddr @hairpin-ip6 masquerade
    }
    chain filter-input {
    type filter hook input priority -90; policy accept;
    ct state new goto unserved
    }
    chain filter-forward {
    type filter hook forward priority -90; policy accept;
    ct state new goto unserved
    }
    chain filter-output {
    type filter hook output priority -90; policy accept;
    ct state new goto unserved
    }
    }
    "
  `);
});

test('a cluster without Services still has the hooks, which switch conntrack on', () => {
  const rules = serviceRules(cluster({ nodes: [n1], pods: [a] }), n1);
  expect(rules).toContain('type nat hook prerouting');
  expect(rules).not.toContain('elements = {\n}');
});

test('names of chains stay within what the kernel takes', () => {
  const long = service(
    `${'n'.repeat(63)}/${'s'.repeat(63)}`,
    ['10.96.0.20'],
    [
      { protocol: 'TCP', port: 65535, targetPort: 1 },
      { protocol: 'TCP', port: 65534, targetPort: 1 },
    ],
  );
  const rules = serviceRules(
    cluster({ nodes: [n1], pods: [a], services: [long], endpoints: endpoints(long, [a]) }),
    n1,
  );
  const names = [...rules.matchAll(/^chain (ip\S+)/gm)].map(([, name]) => name ?? '');
  expect(new Set(names).size).toBe(2);
  expect(Math.max(...names.map((name) => name.length))).toBeLessThan(128);
});

/** Policies just below what an API server takes: a request may have 3 MiB, and what etcd keeps of it 1.5. */

interface HugePolicy {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: object;
}

const nobody = { matchLabels: { app: 'huge' } };
const range = <T>(length: number, of: (index: number) => T): T[] =>
  Array.from({ length }, (_, index) => of(index));

/** 63 characters, the longest name and value of a label. */
const longest = (index: number): string => `${'n'.repeat(56)}-${String(index).padStart(6, '0')}`;
/** 253 characters, the longest prefix of a label's key. */
const longestPrefix = [63, 63, 63, 61].map((length) => 'p'.repeat(length)).join('.');

function policy(name: string, ingress: readonly object[], podSelector: object = nobody): HugePolicy {
  return { metadata: { name }, spec: { podSelector, ingress } };
}

/** For the pods that `podSelector` selects; no two of these share a block. */
export function manyBlocks(index: number, podSelector: object): HugePolicy {
  const block = (next: number): string => {
    const all = 40_000 * index + next;
    return `${64 + (all >> 16)}.${(all >> 8) & 255}.${all & 255}.0/25`;
  };
  const from = range(40_000, (next) => ({ ipBlock: { cidr: block(next) } }));
  return policy(`blocks-${index}`, [{ from, ports: [{ port: 1000 + index }] }], podSelector);
}

export const hugePolicies: readonly HugePolicy[] = [
  policy('blocks', [
    { from: range(40_000, (index) => ({ ipBlock: { cidr: `11.${index >> 8}.${index & 255}.0/24` } })) },
  ]),
  policy('excepts', [
    {
      from: [
        {
          ipBlock: {
            cidr: '0.0.0.0/0',
            except: range(40_000, (index) => `12.${index >> 8}.${index & 255}.128/25`),
          },
        },
      ],
    },
  ]),
  policy('ports', [{ ports: range(30_000, (index) => ({ protocol: 'TCP', port: 1 + 2 * index })) }]),
  policy(
    'rules',
    range(10_000, (index) => ({
      from: [{ podSelector: { matchLabels: { app: `a-${index}` } } }],
      ports: [{ port: index + 1 }],
    })),
  ),
  policy('expressions', [
    {
      from: range(2000, (index) => ({
        podSelector: {
          matchExpressions: [
            {
              key: `${longestPrefix}/${longest(index)}`,
              operator: 'NotIn',
              values: [longest(index), longest(index + 1)],
            },
          ],
        },
      })),
    },
  ]),
  policy('values', [
    {
      from: [
        {
          podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: range(20_000, longest) }] },
        },
      ],
    },
  ]),
];

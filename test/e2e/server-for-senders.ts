/** What pods labelled `may` may send, and to whom. */

const type = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };

/** The node of the sender decides. */
export const silence = {
  ...type,
  metadata: { name: 'silence' },
  spec: { podSelector: { matchLabels: { may: 'nothing' } }, policyTypes: ['Egress'] },
};

/** The node of the server decides: whoever may do something else may send, but not to it. */
export const serverPolicy = {
  ...type,
  metadata: { name: 'server' },
  spec: {
    podSelector: { matchLabels: { app: 'server' } },
    ingress: [{ from: [{ podSelector: { matchLabels: { may: 'everything' } } }] }],
  },
};

/** Manifests of 100 pods in one namespace, for benchmarks. */

const workloads = 20;
const replicas = 5;

/** Every workload of five pods may be called by the next one only: 20 policies, and most cells are denied. */
export function manifests(): string {
  const documents = Array.from({ length: workloads }, (_, index) => {
    const [name, caller] = [`app-${index}`, `app-${(index + 1) % workloads}`];
    return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: bench }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - { name: app, image: app, ports: [{ containerPort: 8080 }, { containerPort: 9000, protocol: UDP }] }
---
${policy({ name, subject: name, caller })}`;
  });
  return documents.join('---\n');
}

/** One policy: only pods of `caller` reach those of `subject`. */
export function policy({ name, subject, caller }: { name: string; subject: string; caller: string }): string {
  return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}, namespace: bench }
spec:
  podSelector: { matchLabels: { app: ${subject} } }
  ingress:
    - from: [{ podSelector: { matchLabels: { app: ${caller} } } }]
`;
}

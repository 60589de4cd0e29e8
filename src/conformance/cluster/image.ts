/** What upstream's own suite uses. It has bash, which sends the probes, and the servers that answer them. */
export const agnhostImage = 'registry.k8s.io/e2e-test-images/agnhost:2.63.0';

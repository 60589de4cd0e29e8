/** Fills a cluster without kubelets with made-up objects, as fast as the API server takes them. */
import { forEachLimited } from '../../../src/lab/network/tool.ts';
import type { ApiClient } from './client.ts';
import {
  madeUpPod,
  namespaceObject,
  nodeName,
  nodeObject,
  nodeStatus,
  podObject,
  policyObject,
  runningPodObject,
  type MadeUpPod,
  type Shape,
} from './made-up-objects.ts';

/** More than the client has connections, so that none of them ever waits for us. */
const underWay = 24;
const mergePatch = 'application/merge-patch+json';

/** Rejects with what the API server refused first. */
export async function fillCluster(client: ApiClient, shape: Shape): Promise<void> {
  await forEachIndex(shape.nodes, async (index) => {
    await client.must('POST', '/api/v1/nodes', nodeObject(shape, index));
    await client.must(
      'PATCH',
      `/api/v1/nodes/${nodeName(index)}/status`,
      nodeStatus(shape, index),
      mergePatch,
    );
  });
  await forEachIndex(shape.namespaces, async (index) => {
    await client.must('POST', '/api/v1/namespaces', namespaceObject(index));
  });
  await forEachIndex(shape.pods, async (index) => createRunningPod(client, madeUpPod(shape, index)));
  await forEachIndex(shape.policies, async (index) => {
    const policy = policyObject(shape, index);
    const { namespace } = policy.metadata;
    await client.must('POST', `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies`, policy);
  });
}

/** Two writes, as it is with a real kubelet: the pod, then that it runs and has an address. */
export async function createRunningPod(client: ApiClient, pod: MadeUpPod): Promise<void> {
  const pods = `/api/v1/namespaces/${pod.namespace}/pods`;
  await client.must('POST', pods, podObject(pod));
  await client.must('PUT', `${pods}/${pod.name}/status`, runningPodObject(pod));
}

async function forEachIndex(count: number, action: (index: number) => Promise<void>): Promise<void> {
  await forEachLimited([...Array(count).keys()], underWay, action);
}

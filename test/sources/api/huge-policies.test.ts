import { expect, test } from 'vitest';
import { decodeApiPolicy } from '../../../src/sources/api/network-policy.ts';
import { hugePolicies } from '../../faults/huge-policies.ts';

// What takes time by the square of the size does not end within the time that a test has.
test.each(hugePolicies)('a policy as large as an API server takes is read: $metadata.name', (object) => {
  const metadata = { ...object.metadata, namespace: 'x', uid: 'u', resourceVersion: '1' };
  const { policy, problems } = decodeApiPolicy({ ...object, metadata });
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(policy.refused).toBeUndefined();
});

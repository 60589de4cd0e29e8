/** Single requests: what they ask for, and what becomes of answers that are no success. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BulkheadError } from '../../src/errors.ts';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import { KubernetesClient } from '../../src/kubernetes/client.ts';
import { networkPolicies, pods } from '../../src/kubernetes/resource.ts';
import { FakeApiServer, type SeenRequest } from './fake-api-server.ts';
import { plainConnection } from './recorder.ts';

let server: FakeApiServer;
let client: KubernetesClient;
const one = { namespace: 'shop', name: 'one' };
const path = '/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies';

beforeEach(async () => {
  server = await FakeApiServer.start();
  client = new KubernetesClient(plainConnection(server.url));
});

afterEach(async () => {
  client.close();
  await server.stop();
});

/** Answers each such request with the text. */
function answer(route: string, text: string, status = 200): void {
  server.routes.set(route, (_, response) => {
    response.writeHead(status).end(text);
  });
}

async function failureOf(action: Promise<unknown>): Promise<BulkheadError> {
  const error = await action.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BulkheadError);
  return error as BulkheadError;
}

function last(): SeenRequest {
  return server.requests.at(-1) as SeenRequest;
}

describe('writing', () => {
  test('creates, replaces and deletes', async () => {
    for (const route of [`POST ${path}`, `PUT ${path}/one`, `DELETE ${path}/one`])
      answer(route, '{"kind":"Status"}');
    await client.create(networkPolicies, { namespace: 'shop' }, { a: 1 });
    expect(last().body).toBe('{"a":1}');
    await client.replace(networkPolicies, one, { a: 2 });
    expect(last().body).toBe('{"a":2}');
    await client.delete(networkPolicies, one, { gracePeriodSeconds: 0 });
    expect([last().method, last().body]).toEqual(['DELETE', '{"gracePeriodSeconds":0}']);
  });

  test('applies on behalf of a field manager', async () => {
    answer(`PATCH ${path}/one`, '{}');
    await client.apply(networkPolicies, one, { a: 1 }, { fieldManager: 'bulkhead', force: true });
    expect(last().headers['content-type']).toBe('application/apply-patch+yaml');
    expect(last().query.toString()).toBe('fieldManager=bulkhead&force=true');
  });

  test('patches a subresource', async () => {
    answer(`PATCH ${path}/one/status`, '{}');
    await client.patch(networkPolicies, { ...one, subresource: 'status' }, { status: {} });
    expect(last().headers['content-type']).toBe('application/merge-patch+json');
  });

  test('is never repeated by itself: the server may have done it', async () => {
    let asked = 0;
    server.routes.set(`POST ${path}`, (_, response) => {
      asked += 1;
      if (asked > 1) response.socket?.destroy();
      else response.end('{}');
    });
    await client.create(networkPolicies, { namespace: 'shop' }, {});
    const error = await failureOf(client.create(networkPolicies, { namespace: 'shop' }, {}));
    expect([error.code, asked]).toEqual(['KUBERNETES_UNREACHABLE', 2]);
  });
});

describe('reading', () => {
  test('text, of a subresource', async () => {
    answer('GET /api/v1/namespaces/shop/pods/one/log', 'a line\n');
    expect(await client.text(pods, { ...one, subresource: 'log' }, { tailLines: 1 })).toBe('a line\n');
    expect(last().query.get('tailLines')).toBe('1');
  });

  test('with selectors, of one namespace', async () => {
    answer('GET /api/v1/namespaces/shop/pods', '{"metadata":{"resourceVersion":"7"},"items":[]}');
    const selectors = { fieldSelector: 'spec.nodeName=n1', labelSelector: 'a in (b,c)' };
    expect(await client.list(pods, { namespace: 'shop', ...selectors })).toEqual({
      items: [],
      resourceVersion: '7',
    });
    expect(Object.fromEntries(last().query)).toEqual(selectors);
  });

  test('goes once more over a connection that the server had given up meanwhile', async () => {
    let asked = 0;
    server.routes.set(`GET ${path}/one`, (_, response) => {
      asked += 1;
      if (asked === 2) response.socket?.destroy();
      else response.end('{}');
    });
    await client.get(networkPolicies, one);
    await client.get(networkPolicies, one);
    expect(asked).toBe(3);
  });

  test('of names that are no names stays within the path', async () => {
    await client.get(pods, { namespace: 'a/../b?x', name: '#' });
    expect([last().path, last().query.size]).toEqual(['/api/v1/namespaces/a%2F..%2Fb%3Fx/pods/%23', 0]);
  });
});

describe('an answer that is no success', () => {
  test.each([
    [400, 'KUBERNETES_REFUSED'],
    [401, 'KUBERNETES_UNAUTHORIZED'],
    [403, 'KUBERNETES_FORBIDDEN'],
    [404, 'KUBERNETES_NOT_FOUND'],
    [409, 'KUBERNETES_CONFLICT'],
    [410, 'KUBERNETES_GONE'],
    [422, 'KUBERNETES_REFUSED'],
    [429, 'KUBERNETES_BUSY'],
    [500, 'KUBERNETES_SERVER_ERROR'],
    [503, 'KUBERNETES_SERVER_ERROR'],
  ])('%i is %s, names what was asked, and quotes the server', async (status, code) => {
    const body = { kind: 'Status', reason: 'Because', message: 'the server says so' };
    answer(`GET ${path}/one`, JSON.stringify(body), status);
    const error = await failureOf(client.get(networkPolicies, one));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code, status, reason: 'Because' });
    const message = 'get networkpolicies.networking.k8s.io shop/one: the server says so';
    expect(error.diagnostics[0]?.message).toBe(message);
    expect(error.diagnostics[0]?.hint).toBeDefined();
  });

  test('says how long to wait, in a header or in the body', async () => {
    server.routes.set(`GET ${path}/one`, (_, response) => {
      response.writeHead(429, { 'retry-after': '7' }).end('{}');
    });
    expect(await failureOf(client.get(networkPolicies, one))).toMatchObject({ retryAfter: 7 });
    answer(`GET ${path}/one`, '{"details":{"retryAfterSeconds":9}}', 503);
    expect(await failureOf(client.get(networkPolicies, one))).toMatchObject({ retryAfter: 9 });
  });

  test("that is a proxy's page is cut short", async () => {
    answer(`GET ${path}/one`, `<html>\n${'x'.repeat(5_000)}`, 502);
    const error = await failureOf(client.get(networkPolicies, one));
    expect(error.message.length).toBeLessThan(700);
    expect(error.message.split('\n')).toHaveLength(2);
  });
});

describe('an answer that is none', () => {
  test.each([
    ['is no JSON', 'secret: {', undefined],
    ['is no object', '[]', undefined],
    ['ends too early', '{"metadata":', '20'],
  ])('that %s', async (_, text, length) => {
    server.routes.set(`GET ${path}/one`, (__, response) => {
      response.writeHead(200, length === undefined ? {} : { 'content-length': length });
      response.write(text, () => (length === undefined ? response.end() : response.socket?.destroy()));
    });
    const error = await failureOf(client.get(networkPolicies, one));
    expect(error.code).toBe('KUBERNETES_PROTOCOL');
    expect(error.message).not.toContain('secret');
  });

  test('a list without a version, or with items that are no objects, is not taken for an empty one', async () => {
    for (const text of ['{"items":[]}', '{"metadata":{"resourceVersion":"7"},"items":["x"]}']) {
      answer('GET /api/v1/pods', text);
      expect((await failureOf(client.list(pods))).code).toBe('KUBERNETES_PROTOCOL');
    }
  });

  test('a page that is too long is refused', async () => {
    server.store.set('shop/one', 'x'.repeat(10_000));
    expect((await failureOf(client.list(pods, { maxBytes: 5_000 }))).code).toBe('KUBERNETES_TOO_LARGE');
  });

  test('a request that is called off throws what its signal says, and leaves no connection', async () => {
    server.routes.set('GET /api/v1/pods', () => stopping.abort(new Error('enough')));
    const stopping = new AbortController();
    await expect(client.list(pods, { signal: stopping.signal })).rejects.toThrow('enough');
    while (server.connections > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  });
});

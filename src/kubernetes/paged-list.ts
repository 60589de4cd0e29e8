/** A whole list, page by page, so that neither the server nor we ever hold all of it as JSON. */
import { BulkheadError } from '../errors.ts';
import { ApiError } from './api-error.ts';
import type { KubernetesClient, ListOptions, Page, RawObject } from './client.ts';
import type { Resource } from './resource.ts';

/** A page that has this much JSON is asked for again in smaller pieces. */
const maxPageBytes = 32 * 1024 * 1024;

export interface PagedListOptions extends Omit<ListOptions, 'continue' | 'maxBytes'> {
  readonly limit: number;
  /** Each object of each page, which must not be kept. */
  readonly object: (object: RawObject) => void;
  /** The list begins anew from its first page: forget its objects. */
  readonly restart: () => void;
}

/** How often a list begins anew before that counts as a failure. */
const maxRestarts = 2;

/**
 * The resource version of the list, all of whose pages are of one moment. The server forgets such a moment after some
 * minutes: then the list begins anew.
 */
export async function listPages(
  client: KubernetesClient,
  resource: Resource,
  options: PagedListOptions,
): Promise<string> {
  const { object, restart, ...rest } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      let resourceVersion = '';
      for await (const page of readPages(client, resource, rest)) {
        for (const item of page.items) object(item);
        resourceVersion = page.resourceVersion;
      }
      return resourceVersion;
    } catch (error) {
      if (!(error instanceof ApiError && error.isGone) || attempt >= maxRestarts) throw error;
      restart();
    }
  }
}

/** All objects of a resource, or what is needed of them. @throws as the client does */
export async function listAll<T>(
  client: KubernetesClient,
  resource: Resource,
  take: (object: RawObject) => T,
  options: Omit<PagedListOptions, 'limit' | 'object' | 'restart'> = {},
): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }> {
  let items: T[] = [];
  const resourceVersion = await listPages(client, resource, {
    ...options,
    limit: 500,
    object: (object) => void items.push(take(object)),
    restart: () => {
      items = [];
    },
  });
  return { items, resourceVersion };
}

async function* readPages(
  client: KubernetesClient,
  resource: Resource,
  options: ListOptions & { readonly limit: number },
): AsyncGenerator<Page> {
  let { limit } = options;
  let next: { continue?: string } = {};
  for (;;) {
    try {
      const page = await client.list(resource, { ...options, ...next, limit, maxBytes: maxPageBytes });
      yield page;
      if (page.continue === undefined) return;
      next = { continue: page.continue };
    } catch (error) {
      const isTooLarge = error instanceof BulkheadError && error.code === 'KUBERNETES_TOO_LARGE';
      if (!isTooLarge || limit === 1) throw error;
      limit = Math.max(1, limit >> 2);
    }
  }
}

/** What can go wrong between us and an API server, each with its code. */
import { BulkheadError, failure } from '../errors.ts';
import { asFields, asText, type Fields } from './untyped.ts';

/** For people: `list pods in namespace shop`. */
export type Action = string;

/** An answer that is no success. */
export class ApiError extends BulkheadError {
  readonly status: number;
  /** Kubernetes' own word for it: `NotFound`, `Expired`, `AlreadyExists`; empty if it did not say. */
  readonly reason: string;
  /** How long the server asks to be left alone, in seconds. */
  readonly retryAfter: number | undefined;

  constructor(action: Action, answer: { status: number; body: unknown; retryAfter?: number }) {
    const status = asFields(answer.body) ?? {};
    const kind = kindOf(answer.status);
    const message = asText(status['message']) || `HTTP status ${answer.status}`;
    super(failure(kind.code, `${action}: ${clip(message)}`, { hint: kind.hint }));
    this.status = answer.status;
    this.reason = asText(status['reason']) ?? '';
    this.retryAfter = answer.retryAfter ?? retryOf(status);
  }

  /** What was asked for is too old: a resource version, or the place in a list. */
  get isGone(): boolean {
    return this.status === 410 || this.reason === 'Expired' || this.reason === 'Gone';
  }
}

interface Kind {
  readonly code: string;
  readonly hint: string;
}

const kinds: Readonly<Record<number, Kind>> = {
  401: {
    code: 'KUBERNETES_UNAUTHORIZED',
    hint: 'Its token or certificate has expired, or is of another cluster: log in again.',
  },
  403: {
    code: 'KUBERNETES_FORBIDDEN',
    hint: 'Give it this right with a Role or ClusterRole; see `kubectl auth can-i`.',
  },
  404: { code: 'KUBERNETES_NOT_FOUND', hint: 'Check name, namespace and context.' },
  409: { code: 'KUBERNETES_CONFLICT', hint: 'Somebody else was faster: read the object again and retry.' },
  410: { code: 'KUBERNETES_GONE', hint: 'List again; this is done without being asked.' },
  429: { code: 'KUBERNETES_BUSY', hint: 'Wait; the server limits how much it is asked.' },
};

function kindOf(status: number): Kind {
  const known = kinds[status];
  if (known) return known;
  if (status >= 500) return { code: 'KUBERNETES_SERVER_ERROR', hint: "See the API server's log." };
  return { code: 'KUBERNETES_REFUSED', hint: 'Correct what the message names.' };
}

function retryOf(status: Fields): number | undefined {
  const seconds = asFields(status['details'])?.['retryAfterSeconds'];
  return typeof seconds === 'number' && seconds > 0 ? seconds : undefined;
}

/** A proxy in between may answer with a whole page. */
function clip(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ');
  return line.length > 500 ? `${line.slice(0, 500)}…` : line;
}

/** What arrived is not what the API says. */
export function protocolError(action: Action, what: string): BulkheadError {
  return new BulkheadError(
    failure('KUBERNETES_PROTOCOL', `${action}: ${what}`, {
      hint: 'Something between here and the API server answers in its place, or cuts what it says.',
    }),
  );
}

export function tooLarge(action: Action, bytes: number): BulkheadError {
  return new BulkheadError(
    failure('KUBERNETES_TOO_LARGE', `${action}: the answer is longer than ${bytes} bytes`, {
      hint: 'Look for objects of unusual size.',
    }),
  );
}

export function timeoutError(action: Action, seconds: number): BulkheadError {
  return new BulkheadError(
    failure('KUBERNETES_TIMEOUT', `${action}: nothing arrived for ${seconds} s`, {
      hint: 'Check the network on the way to the API server, and its load.',
    }),
  );
}

/** No answer at all: the error of a socket. */
export function transportError(action: Action, server: URL, error: unknown): BulkheadError {
  if (error instanceof BulkheadError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = error instanceof Error ? error.message : String(error);
  const isTrust = /^(CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO)/.test(code);
  const diagnostic = isTrust
    ? failure('KUBERNETES_TLS', `${action}: no trusted connection to ${server.host}: ${reason}`, {
        hint: 'Compare the certificate authority and the server in the kubeconfig with the cluster.',
      })
    : failure('KUBERNETES_UNREACHABLE', `${action}: no connection to ${server.host}: ${reason || code}`, {
        hint: 'Check that the API server runs and that this address is reached from here.',
      });
  return new BulkheadError(diagnostic, { cause: error });
}

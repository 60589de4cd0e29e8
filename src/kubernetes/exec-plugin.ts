/**
 * Credentials that a program hands out (`users[].user.exec` of a kubeconfig), as cloud providers do it.
 * Upstream: k8s.io/client-go/plugin/pkg/client/auth/exec/exec.go. What the program prints, and its arguments, may be
 * secret: neither ever appears in an error.
 */
import { execFile } from 'node:child_process';
import { BulkheadError, failure } from '../errors.ts';
import type { Identity } from './connection.ts';
import { besideFile, invalidConfig, type Entry } from './kubeconfig-files.ts';
import { systemCode } from './read-file.ts';
import { asFields, asList, asText, type Fields } from './untyped.ts';

export interface ExecPluginConfig {
  readonly apiVersion: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** What to do if the program is not there. */
  readonly installHint: string;
}

const apiVersions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

/** Long enough for a program that asks its provider twice. */
const timeoutMs = 60_000;

/** A credential that expires within this time is not used any more. */
const marginMs = 10_000;

/** Undefined if the user has no such program. @throws BulkheadError KUBERNETES_CONFIG_INVALID */
export function decodeExecPlugin(user: Entry, name: string): ExecPluginConfig | undefined {
  const config = asFields(user.fields['exec']);
  if (!config) return undefined;
  const command = asText(config['command']) ?? '';
  const apiVersion = asText(config['apiVersion']) ?? '';
  if (command === '' || !apiVersions.includes(apiVersion)) {
    throw invalidConfig(
      `the exec plugin of user ${name} has no command or an unknown apiVersion`,
      `Supported: ${apiVersions.join(', ')}.`,
    );
  }
  return {
    apiVersion,
    command: command.includes('/') ? besideFile(user, command) : command,
    arguments: asList(config['args']).flatMap((item) => asText(item) ?? []),
    environment: Object.fromEntries(asList(config['env']).flatMap(environmentEntry)),
    installHint: asText(config['installHint']) ?? 'Install it, or correct the command in the kubeconfig.',
  };
}

function environmentEntry(item: unknown): [string, string][] {
  const [name, value] = [asText(asFields(item)?.['name']), asText(asFields(item)?.['value'])];
  return name ? [[name, value ?? '']] : [];
}

interface Issued {
  readonly identity: Identity;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

export class ExecPlugin {
  readonly #config: ExecPluginConfig;
  /** One run serves all who ask meanwhile. */
  #issued: Promise<Issued> | undefined;

  constructor(config: ExecPluginConfig) {
    this.#config = config;
  }

  /** @throws BulkheadError KUBERNETES_CREDENTIALS */
  async identity(): Promise<Identity> {
    const current = this.#issued ?? this.#issue();
    const { identity, expires } = await current;
    if (expires - marginMs > Date.now()) return identity;
    if (this.#issued === current) this.#issued = undefined;
    return (await (this.#issued ?? this.#issue())).identity;
  }

  refused(): void {
    this.#issued = undefined;
  }

  #issue(): Promise<Issued> {
    const issued = this.#run().then((output) => this.#decode(output));
    this.#issued = issued;
    // A failure is told to those who wait for it, and tried again by the next.
    issued.catch(() => {
      if (this.#issued === issued) this.#issued = undefined;
    });
    return issued;
  }

  #run(): Promise<string> {
    const { apiVersion, command, environment, installHint } = this.#config;
    const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: { interactive: false } });
    const env = { ...process.env, ...environment, KUBERNETES_EXEC_INFO: info };
    return new Promise((resolve, reject) => {
      execFile(command, [...this.#config.arguments], { env, timeout: timeoutMs }, (error, stdout) => {
        if (!error) resolve(stdout);
        else if (error.code === 'ENOENT') reject(this.#failed('is not installed', installHint));
        else reject(this.#failed(`failed (${reasonOf(error)})`));
      });
    });
  }

  #decode(output: string): Issued {
    const status = asFields(this.#parse(output)['status']);
    const token = asText(status?.['token']);
    const certificate = asText(status?.['clientCertificateData']);
    const key = asText(status?.['clientKeyData']);
    if (!token && !(certificate && key)) throw this.#failed('gave no token and no certificate with its key');
    const expiry = Date.parse(asText(status?.['expirationTimestamp']) ?? '');
    return {
      identity: {
        headers: token ? { authorization: `Bearer ${token.trim()}` } : {},
        ...(certificate && key ? { certificate, key } : {}),
      },
      expires: Number.isNaN(expiry) ? Infinity : expiry,
    };
  }

  #parse(output: string): Fields {
    try {
      const parsed = asFields(JSON.parse(output));
      if (parsed?.['kind'] === 'ExecCredential') return parsed;
    } catch {
      // The parser's message quotes its input.
    }
    throw this.#failed('printed no ExecCredential');
  }

  #failed(what: string, hint = 'Run it by hand, as the kubeconfig has it, to see why.'): BulkheadError {
    return new BulkheadError(
      failure(
        'KUBERNETES_CREDENTIALS',
        `the program that hands out credentials, ${this.#config.command}, ${what}`,
        {
          hint,
        },
      ),
    );
  }
}

function reasonOf(error: Error & { killed?: boolean; code?: unknown }): string {
  if (error.killed) return 'took too long';
  return typeof error.code === 'number' ? `exit code ${error.code}` : systemCode(error);
}

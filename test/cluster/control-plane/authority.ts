/** A certificate authority for one cluster, and the certificates that its parts know each other by. Needs openssl. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../process/run.ts';

export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Identity {
  /** The common name: a user, for Kubernetes. */
  readonly user: string;
  /** The organizations: the user's groups. */
  readonly groups?: readonly string[];
  /** Addresses and names that a server is reached by. */
  readonly hosts?: readonly string[];
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
const days = '3650';

export class Authority {
  readonly certificate: string;
  readonly #folder: string;
  readonly #key: string;
  readonly #config: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.certificate = join(folder, 'ca.crt');
    this.#key = join(folder, 'ca.key');
    this.#config = join(folder, 'openssl.cnf');
  }

  /** Makes the authority's own key and certificate in the folder. */
  static async create(folder: string): Promise<Authority> {
    const authority = new Authority(folder);
    // The machine's own configuration must not change what is issued.
    writeFileSync(authority.#config, '[req]\ndistinguished_name = name\n[name]\n');
    const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    await authority.#request(['/CN=bulkhead-test'], extensions, {
      certificate: authority.certificate,
      key: authority.#key,
    });
    return authority;
  }

  /** The authority that `create` made in the folder before. */
  static open(folder: string): Authority {
    return new Authority(folder);
  }

  /** Makes NAME.crt and NAME.key, good for clients and for servers alike. */
  async issue(name: string, { user, groups = [], hosts = [] }: Identity): Promise<KeyPair> {
    const pair = { certificate: join(this.#folder, `${name}.crt`), key: join(this.#folder, `${name}.key`) };
    const subject = [...groups.map((group) => `/O=${group}`), `/CN=${user}`].join('');
    const names = hosts.map((host) => `${/^[\d.]+$|:/.test(host) ? 'IP' : 'DNS'}:${host}`);
    const extensions = [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=clientAuth,serverAuth',
      ...(names.length > 0 ? [`subjectAltName=${names.join(',')}`] : []),
    ];
    await this.#request([subject, '-CA', this.certificate, '-CAkey', this.#key], extensions, pair);
    return pair;
  }

  async #request(subject: readonly string[], extensions: readonly string[], pair: KeyPair): Promise<void> {
    const files = ['-out', pair.certificate, '-keyout', pair.key];
    const additions = extensions.flatMap((extension) => ['-addext', extension]);
    const options = ['-config', this.#config, ...newKey, '-days', days, ...files, ...additions];
    await run('openssl', ['req', '-x509', '-new', ...options, '-subj', ...subject]);
  }
}

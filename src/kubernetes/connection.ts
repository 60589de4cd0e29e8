/** Where an API server is, how to trust it and how to be let in. */

export interface Connection {
  /** Without credentials: `https://10.0.0.1:6443`; may have a path. */
  readonly server: URL;
  /** Of the context, else `default`. */
  readonly namespace: string;
  /** That of the pod whose service account this is; absent: of none, or not known. */
  readonly podNamespace?: string;
  /** For people: `context dev of /home/me/.kube/config`, `the pod's service account`. */
  readonly origin: string;
  /** How to trust the server, as it is now: files are read each time, since they may be replaced. */
  readonly trust: () => Promise<Trust>;
  readonly credentials: Credentials;
}

export interface Trust {
  /** PEM; absent: the authorities that Node.js knows. */
  readonly ca?: string;
  /** The name that the server's certificate must have, where it is not the host of its URL. */
  readonly serverName?: string;
  /** False: whoever answers is believed. */
  readonly verify: boolean;
}

/** What shows the server who asks. */
export interface Identity {
  readonly headers: Readonly<Record<string, string>>;
  /** PEM, both or none. */
  readonly certificate?: string;
  readonly key?: string;
}

export interface Credentials {
  /** @throws BulkheadError KUBERNETES_CREDENTIALS; its text never holds a secret. */
  identity: () => Promise<Identity>;
  /** The server did not accept the last identity: the next one must not come from a cache. */
  refused: () => void;
}

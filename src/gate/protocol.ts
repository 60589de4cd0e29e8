/**
 * What the CNI plugin and the agent of its node say to each other on gate.sock: one JSON object a line. The plugin
 * sends one request; the agent answers once, after as many lines of `waiting` as it likes.
 */

/** Name of the program, and so `type` in a CNI configuration. */
export const gatePlugin = 'bulkhead-gate';

/** A sandbox: one network of one pod. `container` is the runtime's id of it, which no other sandbox ever has. */
export interface Sandbox {
  readonly container: string;
  readonly namespace: string;
  readonly name: string;
  /** As the runtime has it: of a static pod it is a hash of the configuration. */
  readonly uid: string;
  /** Without prefix lengths; at most one per family. */
  readonly addresses: readonly string[];
}

export type GateRequest =
  /** Answered once the pod's policies and addresses are in the kernel. */
  | { readonly command: 'ADD'; readonly sandbox: Sandbox }
  /** Answered at once: are they? */
  | { readonly command: 'CHECK'; readonly sandbox: Sandbox }
  | { readonly command: 'DEL'; readonly container: string }
  /** Of all others the runtime knows nothing any more. */
  | { readonly command: 'GC'; readonly containers: readonly string[] };

export type GateAnswer =
  { readonly waiting: string } | { readonly ok: true } | { readonly ok: false; readonly message: string };

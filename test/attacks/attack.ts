/** Attacks as data: the tests run them against every engine, docs/security.md lists them. */
import type { Engine } from './engines.ts';
import type { Field } from './field.ts';

export interface Attack {
  /** What the attacker does; unique. */
  readonly name: string;
  /** CVEs, advisories and issues of other implementations that were this. */
  readonly standsFor: readonly string[];
  /** What becomes of it. */
  readonly outcome: string;
  /** The kernel alone withstands it; that it goes on doing so is what is tested. */
  readonly harmless?: true;
  /** Fails if the attack succeeds. Leaves the field as it found it. */
  readonly run: (field: Field, engine: Engine) => void | Promise<void>;
}

/** Attacks that are run in one field, one after the other. */
export interface Campaign {
  readonly title: string;
  /** The field enforces nothing: the attacks bring agents of their own. */
  readonly bringsAgents?: true;
  readonly attacks: readonly Attack[];
}

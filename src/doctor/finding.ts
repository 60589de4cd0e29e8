/** What one check found. */
export interface Finding {
  readonly check: string;
  /**
   * `problem`: policies are not enforced as they should be, or pods do not start. `warning`: they may not be, or will not be
   * under some condition. `unknown`: this process could not find out.
   */
  readonly state: 'ok' | 'warning' | 'problem' | 'unknown';
  readonly result: string;
  /** What to do. */
  readonly advice?: string;
}

export interface Diagnosis {
  /** Nothing found: no warning, no problem. What could not be found out is neither. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

export function diagnosisOf(findings: readonly Finding[]): Diagnosis {
  return { ok: findings.every(({ state }) => state === 'ok' || state === 'unknown'), findings };
}

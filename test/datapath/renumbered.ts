import type { Delta } from '../../src/compiler/tables.ts';

/** The same policies by other ids: what another compiler may make of the same cluster. */
export function renumbered({ add, stage, sweep }: Delta): Delta {
  // Each id goes where another one was.
  const id = (old: number): number => (old === 0 ? 0 : (old % 4) + 1);
  const identity = (old: number): number => (old === 0 || old > 1000 ? old : 16 - old);
  return {
    add: {
      ports: add.ports.map((row) => ({ ...row, class: id(row.class) })),
      classes: add.classes.map((row) => ({
        ...row,
        set: row.set + 10,
        identity: identity(row.identity),
        class: id(row.class),
      })),
    },
    stage: {
      addresses: stage.addresses.map(({ addresses, to }) => ({
        addresses,
        ...(to
          ? {
              to: {
                ...to,
                identity: identity(to.identity),
                ingressSet: to.ingressSet && to.ingressSet + 10,
                egressSet: to.egressSet && to.egressSet + 10,
              },
            }
          : {}),
      })),
      cidrs: stage.cidrs.map((row) => ({ ...row, to: identity(row.to) })),
    },
    sweep,
  };
}

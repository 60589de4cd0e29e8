/** To be loaded into a process: its time of day is another year each time that somebody looks. Nobody may set the host's. */
const RealDate = Date;
const year = 31_536_000_000;
let looks = 0;

function now(): number {
  looks += 1;
  return RealDate.now() + (((looks * 7) % 41) - 20) * year;
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: []) => Reflect.construct(target, args.length === 0 ? [now()] : args) as Date,
  get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
});
